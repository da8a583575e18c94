import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CEL_CSV_USUAL, layoutOf } from "./columns.ts";
import { CSV, type Dialect } from "./csv.ts";
import { csvSource } from "./csv-source.ts";
import { newFacts, type SentRow, type Span } from "./source.ts";
import { UTC } from "./zone.ts";

const COLUMNS =
  "eventtype,eventtime,cidname,cidnum,cidani,cidrdnis,ciddnid,exten,context,channame,appname,appdata,uniqueid,linkedid,peer,eventextra";
const SCENARIOS = join(import.meta.dirname, "../../test/scenarios/22");
const ALL: Span = { from: 0, to: Number.MAX_SAFE_INTEGER };

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-recover-"));
  path = join(folder, "Master.csv");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A scenario's own CEL rows, as cel_custom wrote them: without the heading the recording put above. */
function celOf(scenario: string): string {
  const text = readFileSync(join(SCENARIOS, scenario, "cel.csv"), "utf8");
  return text.slice(text.indexOf("\n") + 1);
}

function source(names = COLUMNS.split(","), dialect: Dialect = CSV) {
  const layout = layoutOf("CEL", names)!;
  const format = {
    dialect,
    layout: (count: number) => (dialect.json || count === names.length ? layout : undefined),
    zone: UTC,
  };
  return csvSource({ kind: "cel_csv", path, site: "7", format, lateMs: 0 });
}

interface Read {
  rows: (SentRow & { stream: string })[];
  spans: [number, number][];
  facts: ReturnType<typeof newFacts>;
}

async function read(span = ALL, from = source(), position: (stream: string) => number = () => 0): Promise<Read> {
  const found: Read = { rows: [], spans: [], facts: newFacts() };
  for await (const portion of from.portions(span, position, found.facts)) {
    if (portion === null) continue;
    found.rows.push(...portion.rows.map((row) => ({ ...row, stream: portion.stream })));
    found.spans.push(portion.span);
  }
  return found;
}

const names = ({ rows }: Read) => rows.map(({ ev }) => `${String(ev["EventName"])} ${String(ev["Timestamp"])}`);
const identities = ({ rows }: Read) => rows.map(({ stream, seq }) => `${stream} ${seq}`);

describe("a CEL file", () => {
  it("gives every row Asterisk wrote, as it wrote it, and the offset of each", async () => {
    const text = celOf("cid_cyrillic_quotes");
    writeFileSync(path, text);
    const found = await read();
    expect(found.rows).toHaveLength(text.trim().split("\n").length);
    const bytes = Buffer.from(text);
    for (const { seq } of found.rows) expect(seq === 1 || bytes[seq - 2]).toBeTruthy();
    expect(
      found.rows.every(({ seq }) =>
        bytes
          .subarray(seq - 1, seq + 6)
          .toString()
          .startsWith('"'),
      ),
    ).toBe(true);
    expect(found.spans).toEqual([[1, bytes.length]]);
    expect(found.rows.some(({ ev }) => /[а-яі]/i.test(String(ev["CallerIDname"])))).toBe(true);
  });

  it("gives only what happened in the time that is asked for, whatever stands between it", async () => {
    writeFileSync(path, celOf("incoming_answered") + celOf("ivr_digit"));
    const all = (await read()).rows;
    const [from, to] = [all[5]!.at, all[15]!.at];
    const { rows } = await read({ from, to });
    expect(rows.map(({ seq }) => seq)).toEqual(all.filter(({ at }) => at >= from && at <= to).map(({ seq }) => seq));
  });

  it("keeps commas, quotes, line breaks and bytes of other encodings, and passes over a torn row", async () => {
    const row = (name: string, count: number) =>
      Buffer.concat([
        Buffer.from(`"USER","1795477384.00000${count}","`),
        Buffer.from(name, "latin1"),
        Buffer.from(`","","","","","s","c","ch","a","d","1795477384.1","1795477384.1","",""\n`),
      ]);
    const torn = Buffer.from('"CHAN_START","179547');
    writeFileSync(
      path,
      Buffer.concat([
        row('a, ""b""\nc', 1),
        row("caf\xe9", 2),
        torn,
        row("after", 3),
        Buffer.alloc(40),
        row("zeros", 4),
      ]),
    );
    const found = await read();
    expect(found.rows.map(({ ev }) => ev["CallerIDname"])).toEqual(['a, "b"\nc', "café", "after", "zeros"]);
    expect(found.facts.damaged).toBe(2);
  });

  it("leaves a half-written last line until it is whole", async () => {
    const text = celOf("incoming_answered");
    const cut = text.length - 20;
    writeFileSync(path, text.slice(0, cut));
    const before = await read();
    appendFileSync(path, text.slice(cut));
    const after = await read();
    expect(after.rows.length).toBe(before.rows.length + 1);
    expect(identities(after).slice(0, -1)).toEqual(identities(before));
  });

  it("is read on from where it was left", async () => {
    const text = celOf("incoming_answered");
    writeFileSync(path, text);
    const all = await read();
    appendFileSync(path, celOf("ivr_digit"));
    const rest = await read(ALL, source(), () => all.spans.at(-1)![1] + 1);
    expect(rest.rows[0]!.seq).toBe(Buffer.byteLength(text) + 1);
    expect([...names(all), ...names(rest)]).toEqual(names(await read()));
  });

  it.each([
    ["renamed", () => renameSync(path, `${path}.1`)],
    ["copied and truncated", () => (copyFileSync(path, `${path}.1`), truncateSync(path))],
    ["renamed and packed", () => (writeFileSync(`${path}-20261124.gz`, gzipSync(readFileSync(path))), rmSync(path))],
  ])("has the same rows under the same names when it was %s", async (_, rotate) => {
    writeFileSync(path, celOf("incoming_answered"));
    const before = await read();
    rotate();
    writeFileSync(path, celOf("ivr_digit"));
    const after = await read();
    expect(identities(after)).toEqual(expect.arrayContaining(identities(before)));
    expect(after.rows.length).toBeGreaterThan(before.rows.length);
    expect(new Set(identities(after)).size).toBe(after.rows.length);
  });

  it("tells when rotation has taken rows of that time away", async () => {
    writeFileSync(`${path}.1`, celOf("incoming_answered"));
    writeFileSync(path, celOf("ivr_digit"));
    const first = (await read()).rows[0]!.at;
    expect((await read({ from: first + 1, to: first + 5_000 })).facts.goneBefore).toBeNull();
    const oldest = Math.min(...(await read()).rows.map(({ at }) => at));
    expect((await read({ from: oldest - 60_000, to: first })).facts.goneBefore).toBe(oldest);
  });

  it("finds a time in a large file without reading what lies before", async () => {
    const line = (n: number) =>
      `"CHAN_START","${1_700_000_000 + n}.000000","","","","","","s","c","ch","a","d","${1_700_000_000 + n}.1","${1_700_000_000 + n}.1","",""\n`;
    writeFileSync(path, Array.from({ length: 200_000 }, (_, n) => line(n)).join(""));
    const at = (1_700_000_000 + 150_000) * 1000;
    const startedAt = process.cpuUsage();
    const { rows } = await read({ from: at, to: at + 10_000 });
    expect(rows.map(({ at: each }) => each)).toEqual(Array.from({ length: 11 }, (_, n) => at + n * 1000));
    expect(process.cpuUsage(startedAt).user).toBeLessThan(2_000_000);
  });

  it("whose rows are JSON or separated by tabs is read by its configuration", async () => {
    writeFileSync(path, '{"eventtype":"ANSWER","eventtime":"1795477384.5","uniqueid":"1795477384.1","num":150}\n');
    const json = await read(ALL, source(["eventtype", "eventtime", "uniqueid", "num"], { ...CSV, json: true }));
    expect(json.rows[0]?.ev).toMatchObject({ EventName: "ANSWER", CallerIDnum: "150", Timestamp: "1795477384.500000" });
    writeFileSync(path, "'ANSWER'\t1795477384\t'it\\'s'\t'1795477384.1'\n");
    const dialect = { separator: "\t", quote: "'", escape: "\\", json: false };
    const tabs = await read(ALL, source(["eventtype", "eventtime", "name", "uniqueid"], dialect));
    expect(tabs.rows[0]?.ev).toMatchObject({ CallerIDname: "it's", UniqueID: "1795477384.1" });
  });

  it("of another site, or of another kind, is another stream", async () => {
    writeFileSync(path, celOf("incoming_answered"));
    const layout = layoutOf("CEL", COLUMNS.split(","))!;
    const format = { dialect: CSV, layout: () => layout, zone: UTC };
    const other = csvSource({ kind: "cel_csv", path, site: "8", format, lateMs: 0 });
    const streams = new Set([(await read()).rows[0]!.stream, (await read(ALL, other)).rows[0]!.stream]);
    expect(streams.size).toBe(2);
    for (const stream of streams)
      expect(stream).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("that was last written before that time is not opened for it", async () => {
    writeFileSync(`${path}.1`, celOf("incoming_answered"));
    utimesSync(`${path}.1`, 1_000, 1_000);
    writeFileSync(path, celOf("ivr_digit"));
    expect(CEL_CSV_USUAL).toHaveLength(20);
    const { rows } = await read({ from: 2_000_000, to: ALL.to });
    expect(new Set(rows.map(({ stream }) => stream)).size).toBe(1);
  });
});
