/** What a column of a file becomes. `format`: the strftime format of a time, when the configuration names one. */
export interface Column {
  header: string;
  /** The field's own name, lower case: the key of a JSON row. */
  field: string;
  format: string | null;
}

/** The columns of a file in their order; null: nothing of use. `event`: what each row is. */
export interface Layout {
  event: "CEL" | "Cdr";
  columns: readonly (Column | null)[];
}

/** Header of the event by the names that dialplan functions, "fields" lists and tables use, lower case. */
const CEL_HEADERS: Readonly<Record<string, string>> = {
  eventtype: "EventName",
  eventname: "EventName",
  eventenum: "EventEnum",
  userdeftype: "UserDefType",
  usereventname: "UserDefType",
  eventtime: "Timestamp",
  name: "CallerIDname",
  cidname: "CallerIDname",
  cid_name: "CallerIDname",
  num: "CallerIDnum",
  cidnum: "CallerIDnum",
  cid_num: "CallerIDnum",
  ani: "CallerIDani",
  cidani: "CallerIDani",
  cid_ani: "CallerIDani",
  rdnis: "CallerIDrdnis",
  cidrdnis: "CallerIDrdnis",
  cid_rdnis: "CallerIDrdnis",
  dnid: "CallerIDdnid",
  ciddnid: "CallerIDdnid",
  cid_dnid: "CallerIDdnid",
  exten: "Exten",
  context: "Context",
  channame: "Channel",
  channel: "Channel",
  appname: "Application",
  appdata: "AppData",
  amaflags: "AMAFlags",
  accountcode: "AccountCode",
  acctcode: "AccountCode",
  uniqueid: "UniqueID",
  linkedid: "LinkedID",
  userfield: "Userfield",
  peer: "Peer",
  bridgepeer: "Peer",
  peeraccount: "PeerAccount",
  peeracct: "PeerAccount",
  extra: "Extra",
  eventextra: "Extra",
};

const CDR_HEADERS: Readonly<Record<string, string>> = {
  clid: "CallerID",
  src: "Source",
  dst: "Destination",
  dcontext: "DestinationContext",
  channel: "Channel",
  dstchannel: "DestinationChannel",
  lastapp: "LastApplication",
  lastdata: "LastData",
  start: "StartTime",
  calldate: "StartTime",
  answer: "AnswerTime",
  end: "EndTime",
  duration: "Duration",
  billsec: "BillableSeconds",
  disposition: "Disposition",
  amaflags: "AMAFlags",
  accountcode: "AccountCode",
  uniqueid: "UniqueID",
  userfield: "UserField",
  linkedid: "LinkedID",
  peeraccount: "PeerAccount",
  sequence: "Sequence",
};

/** The column an expression writes: `${CSV_QUOTE(${CDR(src)})}`, `'${eventtype}'`, `start(int64)`, or a table column's own name. */
export function columnOf(event: Layout["event"], expression: string): Column | null {
  const [field, format] = fieldOf(expression) ?? [];
  const header = field === undefined ? undefined : (event === "CEL" ? CEL_HEADERS : CDR_HEADERS)[field];
  if (field === undefined || header === undefined) return null;
  return { header, field, format: format?.includes("%") === true ? format : null };
}

function fieldOf(expression: string): [field: string, format: string | undefined] | undefined {
  const fromFunction = /\b(?:CDR|CALLERID|CHANNEL)\(\s*([A-Za-z_]+)\s*(?:,([^)]*))?\)/i.exec(expression);
  const fromVariable = /\$\{\s*([A-Za-z_]+)\s*\}/.exec(expression);
  const bare = /^([A-Za-z_]+)\s*(?:\((.*)\))?$/.exec(expression.trim());
  const [, name, format] = fromFunction ?? fromVariable ?? bare ?? [];
  return name === undefined ? undefined : [name.toLowerCase(), format];
}

/** A layout, and whether it has what a row must tell; undefined when it has not. */
export function layoutOf(event: Layout["event"], expressions: readonly string[]): Layout | undefined {
  const columns = expressions.map((expression) => columnOf(event, expression));
  const headers = new Set(columns.map((column) => column?.header));
  const needed = event === "CEL" ? ["EventName", "Timestamp", "UniqueID"] : ["StartTime", "Channel"];
  return needed.every((header) => headers.has(header)) ? { event, columns } : undefined;
}

/** Parts of a mapping between its top-level separators: those within ${...}, parentheses or quotes do not count. */
export function splitMapping(mapping: string): string[] {
  const parts: string[] = [];
  let [depth, quote, from] = [0, "", 0];
  for (let at = 0; at < mapping.length; at++) {
    const character = mapping.charAt(at);
    if (quote !== "") quote = character === quote ? "" : quote;
    else if (depth === 0 && (character === '"' || character === "'")) quote = character;
    else if (character === "{" || character === "(") depth++;
    else if (character === "}" || character === ")") depth--;
    else if (character === "," && depth === 0) {
      parts.push(mapping.slice(from, at).trim());
      from = at + 1;
    }
  }
  return [...parts, mapping.slice(from).trim()];
}

const CDR_CSV =
  "accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,billsec,disposition,amaflags".split(
    ",",
  );
const CDR_CSV_NEW = ["peeraccount", "linkedid", "sequence"];
const cdrCsvLayouts = new Map<number, Layout | undefined>();

/**
 * The columns of cdr_csv's Master.csv, told by their number: loguniqueid, loguserfield and newcdrcolumns add some, and
 * may have been switched in the middle of a file. One that stands alone is the unique id: nobody logs the other without.
 */
export function cdrCsvLayout(count: number): Layout | undefined {
  if (!cdrCsvLayouts.has(count)) {
    const more = count - CDR_CSV.length;
    const own = ["uniqueid", "userfield"].slice(0, more >= CDR_CSV_NEW.length ? more - CDR_CSV_NEW.length : more);
    const names = [...CDR_CSV, ...own, ...(more >= CDR_CSV_NEW.length ? CDR_CSV_NEW : [])];
    cdrCsvLayouts.set(count, names.length === count ? layoutOf("Cdr", names) : undefined);
  }
  return cdrCsvLayouts.get(count);
}

/** What Asterisk's own sample of cel_custom.conf writes, and FreePBX and the distributions with it. */
export const CEL_CSV_USUAL: readonly string[] =
  "eventtype,eventtime,cidname,cidnum,cidani,cidrdnis,ciddnid,exten,context,channame,appname,appdata,amaflags,accountcode,uniqueid,linkedid,bridgepeer,userfield,userdeftype,eventextra".split(
    ",",
  );
/** The same of cdr_custom.conf. */
export const CDR_CSV_USUAL: readonly string[] =
  "clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,billsec,disposition,amaflags,accountcode,uniqueid,userfield,sequence".split(
    ",",
  );
