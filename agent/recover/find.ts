import { accessSync, constants, existsSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import type { RepairSource } from "../../shared/ami-event.ts";
import { codeOf, messageOf } from "../../shared/errors.ts";
import {
  cdrCsvLayout,
  CDR_CSV_USUAL,
  CEL_CSV_USUAL,
  columnOf,
  layoutOf,
  splitMapping,
  type Column,
  type Layout,
} from "./columns.ts";
import { isYes, optionOf, readConf, type Section } from "./conf.ts";
import { CSV, type Dialect } from "./csv.ts";
import { csvSource } from "./csv-source.ts";
import { siblingsOf } from "./family.ts";
import type { Source } from "./source.ts";
import { sqliteSource, type Identities } from "./sqlite-source.ts";
import { SqliteTable } from "./sqlite-table.ts";
import { UTC, type Zone } from "./zone.ts";

export interface FindSettings {
  /** Put before every path: where the file system of Asterisk is, "" when it is this machine's own. */
  root: string;
  asteriskConf: string;
  site: string;
  zone: Zone;
  identities: Identities;
  nowMs(): number;
}

/** What Asterisk writes its calls into, best first. */
export interface Found {
  cel: Source[];
  cdr: Source[];
  /** CEL tells enough to make calls of it; else CDRs are read beside it. */
  celEnough: boolean;
  /** Files that are there and cannot be used, with the reason. */
  problems: string[];
  /** Databases that Asterisk has locked right now: a moment later they may be of use. */
  locked: string[];
}

interface Place {
  settings: FindSettings;
  /** Where its configuration is, and where it logs. */
  etc: string;
  log: string;
  problems: string[];
  locked: string[];
  /** Logs that the configuration names and that are not there yet. */
  toCome: Source[];
}

/** The two kinds of records: files and formats are the same, names differ. */
interface Family {
  event: Layout["event"];
  /** `cel` or `cdr`: in names of files, folders and tables. */
  name: "cel" | "cdr";
  sqlite: RepairSource;
  csv: RepairSource;
  usual: readonly string[];
  lateMs: number;
  /** How times are written where nothing else is said. */
  dateFormat: string;
}

const BATCH_SECONDS = 300;

/** Looks at Asterisk's configuration and files. Reads nothing of their rows. */
export function findSources(settings: FindSettings): Found {
  const place = placeOf(settings);
  const cel = readConf(place.etc, "cel.conf");
  const cdr = readConf(place.etc, "cdr.conf");
  const celOff = cel.length > 0 && !isYes(optionOf(cel, "general", "enable"));
  const cdrOff = cdr.length > 0 && !isYes(optionOf(cdr, "general", "enable") ?? "yes");
  const dateFormat = optionOf(cel, "general", "dateformat") ?? "";
  const celFamily: Family = {
    event: "CEL",
    name: "cel",
    sqlite: "cel_sqlite",
    csv: "cel_csv",
    usual: CEL_CSV_USUAL,
    lateMs: 0,
    dateFormat,
  };
  const lateMs = batchMs(cdr);
  const cdrFamily: Family = {
    event: "Cdr",
    name: "cdr",
    sqlite: "cdr_sqlite",
    csv: "cdr_csv",
    usual: CDR_CSV_USUAL,
    lateMs,
    dateFormat: "",
  };
  const found: Found = {
    cel: celOff ? [] : [...sqliteSources(place, celFamily), ...customSources(place, celFamily)],
    cdr: cdrOff
      ? []
      : [...sqliteSources(place, cdrFamily), ...customSources(place, cdrFamily), ...plainCdr(place, cdr, lateMs)],
    celEnough: celTellsEnough(cel),
    problems: place.problems,
    locked: place.locked,
  };
  return isNothing(found) ? withToCome(found, place) : found;
}

function isNothing({ cel, cdr, problems, locked }: Found): boolean {
  return cel.length + cdr.length + problems.length + locked.length === 0;
}

/** An Asterisk that has not written a single record yet. */
function withToCome(found: Found, { toCome }: Place): Found {
  const isCel = ({ kind }: Source): boolean => kind.startsWith("cel");
  return { ...found, cel: toCome.filter(isCel), cdr: toCome.filter((source) => !isCel(source)) };
}

function placeOf(settings: FindSettings): Place {
  const { root, asteriskConf } = settings;
  const file = join(root, asteriskConf);
  const conf = readConf(dirname(file), basename(file));
  const folder = (option: string, preset: string) => join(root, optionOf(conf, "directories", option) ?? preset);
  return {
    settings,
    etc: folder("astetcdir", dirname(asteriskConf)),
    log: folder("astlogdir", "/var/log/asterisk"),
    problems: [],
    locked: [],
    toCome: [],
  };
}

function batchMs(cdr: readonly Section[]): number {
  if (!isYes(optionOf(cdr, "general", "batch"))) return 0;
  return (Number(optionOf(cdr, "general", "time")) || BATCH_SECONDS) * 1000;
}

/** Where a channel begins and ends must be told; a configuration that cannot be read counts as the usual one. */
function celTellsEnough(cel: readonly Section[]): boolean {
  const events = optionOf(cel, "general", "events");
  if (events === undefined) return cel.length === 0;
  const named = new Set(events.toUpperCase().split(/[\s,]+/));
  return named.has("ALL") || (named.has("CHAN_START") && (named.has("CHAN_END") || named.has("HANGUP")));
}

function sqliteSources(place: Place, family: Family): Source[] {
  const sections = readConf(place.etc, `${family.name}_sqlite3_custom.conf`);
  const told = sections.filter(({ options }) => options.length > 0);
  if (told.length === 0) return tableSource(place, family, "master", family.name, []);
  return told.flatMap((section) => {
    const option = (name: string) => section.options.findLast(([each]) => each.toLowerCase() === name)?.[1];
    const names = splitMapping(option("columns") ?? "").map((name) => name.toLowerCase());
    const values = splitMapping(option("values") ?? option("fields") ?? "");
    const mapped = names.map((name, at): [string, string] => [name, values[at] ?? name]);
    return tableSource(place, family, section.name, option("table") ?? family.name, mapped);
  });
}

/** `mapped`: table columns and the expressions they are written with; none: what the columns are called must do. */
function tableSource(
  place: Place,
  family: Family,
  database: string,
  table: string,
  mapped: readonly [string, string][],
): Source[] {
  const path = isAbsolute(database) ? join(place.settings.root, database) : join(place.log, `${database}.db`);
  if (mapped.length > 0 && isToCome(path)) return toCome(place, family.sqlite, path);
  if (!isReadable(place, path)) return [];
  try {
    const { event, sqlite: kind, lateMs } = family;
    const expressions = new Map(mapped);
    const columns = new SqliteTable(path, table).columns().flatMap((name) => {
      const column = columnOf(event, expressions.get(name) ?? name) ?? columnOf(event, name);
      return column === null ? [] : [{ name, column: withFormat(column, family) }];
    });
    const once = columns.filter(
      ({ column }, at) => columns.findIndex((each) => each.column.header === column.header) === at,
    );
    if (
      layoutOf(
        event,
        once.map(({ column }) => column.field),
      ) === undefined
    )
      return unusable(place, `${path} (${table})`, once.length);
    const { site, zone, identities, nowMs } = place.settings;
    return [sqliteSource({ kind, path, table, site, event, columns: once, zone, identities, nowMs, lateMs })];
  } catch (error) {
    const isLocked = codeOf(error)?.startsWith("SQLITE_BUSY") === true;
    if (isLocked) place.locked.push(path);
    else place.problems.push(`${path}: ${messageOf(error)}`);
    return [];
  }
}

function unusable(place: Place, where: string, columns: number): [] {
  if (columns > 0)
    place.problems.push(`${where}: its columns tell too little (unique id, time, and event or channel are needed)`);
  return [];
}

function customSources(place: Place, family: Family): Source[] {
  const sections = readConf(place.etc, `${family.name}_custom.conf`);
  const mappings = sections.filter(({ name }) => name.toLowerCase() === "mappings").flatMap(({ options }) => options);
  const advanced = sections.filter(
    ({ name, options }) => !["mappings", "general"].includes(name.toLowerCase()) && options.length > 0,
  );
  if (mappings.length + advanced.length === 0) return customSource(place, family, "Master.csv", CSV, family.usual);
  return [
    ...mappings.flatMap(([file, mapping]) =>
      customSource(place, family, file, dialectOfMapping(mapping), splitMapping(mapping)),
    ),
    ...advanced.flatMap((section) => {
      const option = (name: string) => section.options.findLast(([each]) => each.toLowerCase() === name)?.[1];
      return customSource(place, family, section.name, dialectOf(option), splitMapping(option("fields") ?? ""));
    }),
  ];
}

function customSource(
  place: Place,
  family: Family,
  file: string,
  dialect: Dialect,
  expressions: readonly string[],
): Source[] {
  const path = isAbsolute(file) ? join(place.settings.root, file) : join(place.log, `${family.name}-custom`, file);
  const layout = layoutOf(family.event, expressions);
  if (layout === undefined) return [];
  if (expressions !== family.usual && isToCome(path)) return toCome(place, family.csv, path);
  if (!isReadable(place, path)) return [];
  const columns = layout.columns.map((column) => (column === null ? null : withFormat(column, family)));
  const own = { event: family.event, columns };
  const format = {
    dialect,
    layout: (count: number) => (dialect.json || count === columns.length ? own : undefined),
    zone: place.settings.zone,
  };
  return [csvSource({ kind: family.csv, path, site: place.settings.site, format, lateMs: family.lateMs })];
}

function plainCdr(place: Place, cdr: readonly Section[], lateMs: number): Source[] {
  const path = join(place.log, "cdr-csv", "Master.csv");
  if (!isReadable(place, path)) return [];
  const zone = isYes(optionOf(cdr, "csv", "usegmtime")) ? UTC : place.settings.zone;
  const format = { dialect: CSV, layout: cdrCsvLayout, zone };
  return [csvSource({ kind: "cdr_csv", path, site: place.settings.site, format, lateMs })];
}

function withFormat(column: Column, { dateFormat }: Family): Column {
  const isTime = column.header === "Timestamp";
  return isTime && column.format === null && dateFormat !== "" ? { ...column, format: dateFormat } : column;
}

/** QUOTE() escapes with a backslash, CSV_QUOTE() doubles. */
function dialectOfMapping(mapping: string): Dialect {
  return /\$\{QUOTE\(/i.test(mapping) ? { ...CSV, escape: "\\" } : CSV;
}

function dialectOf(option: (name: string) => string | undefined): Dialect {
  if (option("format")?.toLowerCase() === "json") return { ...CSV, json: true };
  const separator = (option("separator_character") ?? ",").replace("\\t", "\t") || ",";
  const quote = option("quote_character") ?? '"';
  return { separator, quote, escape: option("quote_escape_character") ?? option("quote_escape") ?? quote, json: false };
}

/** Whether a log that the configuration names is not there yet: Asterisk makes it with its first record. */
function isToCome(path: string): boolean {
  try {
    statSync(path);
    return false;
  } catch (error) {
    return codeOf(error) === "ENOENT" && existsSync(dirname(path)) && siblingsOf(path).length === 0;
  }
}

/** There is no row in it, of whatever time. */
function toCome({ toCome }: Place, kind: RepairSource, where: string): [] {
  toCome.push({ kind, where, lateMs: 0, async *portions() {} });
  return [];
}

/** Whether there is such a log; one that is there and closed to the agent is a problem to be told. */
function isReadable({ problems }: Place, path: string): boolean {
  const file = existsSync(path) ? path : siblingsOf(path)[0]?.path;
  if (file === undefined) return false;
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    problems.push(`${file}: the agent may not read it`);
    return false;
  }
}
