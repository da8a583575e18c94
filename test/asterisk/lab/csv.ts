import { open } from "node:fs/promises";

export const CDR_COLUMNS =
  "clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,billsec,disposition,amaflags,uniqueid,linkedid,sequence,peeraccount,userfield".split(
    ",",
  );
export const CEL_COLUMNS =
  "eventtype,eventtime,cidname,cidnum,cidani,cidrdnis,ciddnid,exten,context,channame,appname,appdata,uniqueid,linkedid,peer,eventextra".split(
    ",",
  );

export type Row = Readonly<Record<string, string>>;

/** Length of a file, 0 when it is not there yet: where the rows of what happens next begin. */
export async function lengthOf(file: string): Promise<number> {
  const handle = await open(file).catch(() => null);
  if (handle === null) return 0;
  const { size } = await handle.stat();
  await handle.close();
  return size;
}

/** What a file holds from an offset on. */
export async function textFrom(file: string, offset: number): Promise<string> {
  const size = await lengthOf(file);
  if (size <= offset) return "";
  const handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(size - offset), 0, size - offset, offset);
  await handle.close();
  return buffer.toString("utf8");
}

/** Rows of quoted values, quotes doubled, as Asterisk's CSV_QUOTE writes them. */
export function parseRows(text: string, columns: readonly string[]): Row[] {
  return splitRecords(text).map((values) =>
    Object.fromEntries(columns.map((name, index) => [name, values[index] ?? ""])),
  );
}

function splitRecords(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\r?\n|$)/gy;
  while (field.lastIndex < text.length) {
    const found = field.exec(text);
    if (found === null) break;
    record.push((found[1] ?? found[2] ?? "").replaceAll('""', '"'));
    if (found[3] !== ",") {
      records.push(record);
      record = [];
    }
  }
  return records;
}
