import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type AmiEvent, MARKERS } from "../../shared/ami-event.ts";
import { createLogger } from "../../shared/log.ts";
import type { IngestHeader } from "../../shared/wire.ts";
import { systemClock } from "../clock.ts";
import { Repair, type RepairPorts } from "./repair.ts";

let root: string;
let server: Server;
/** What the server was sent. */
let posts: IngestHeader[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "ringpost-repair-"));
  for (const folder of ["etc/asterisk", "var/log/asterisk/cel-custom"])
    mkdirSync(join(root, folder), { recursive: true });
  posts = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const header = JSON.parse(text.slice(0, text.indexOf("\n"))) as IngestHeader;
      posts.push(header);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ acked: [header.span], time: Date.now(), commands: [] }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true, force: true });
});

type OutboxView = ReturnType<RepairPorts["outbox"]>;

/** Reads the files below the root and notes what it tells. */
function repairOf(outbox: OutboxView, told: AmiEvent[]): Repair {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const files = { enabled: true, root, asterisk_conf: "/etc/asterisk/asterisk.conf", zone: "UTC", isLocal: true };
  return new Repair(
    { ...files, site: "1", url, key: "k", caFile: "", agent: "test 1.0" },
    {
      clock: systemClock,
      random: Math.random,
      log: createLogger({ name: "test", level: "silent" }),
      report: () => ({ ami: "connected", outbox_bytes: 0 }),
      pbxAheadMs: () => 0,
      isLinked: () => true,
      blind: () => [],
      outbox: () => outbox,
      remember: () => {},
      tell: (marker) => Promise.resolve(void told.push(marker)),
      changed: () => {},
    },
  );
}

it("rows of a blindness are sent once the server has what was heard before them", async () => {
  const seconds = Math.floor(Date.now() / 1000) - 30;
  const row = `"CHAN_START","${seconds}.5","","","","","","","","PJSIP/1-0","","","3","","1.1","1.1","","","",""\n`;
  writeFileSync(join(root, "var/log/asterisk/cel-custom/Master.csv"), row);
  const told: AmiEvent[] = [];
  const outbox = { windows: [], highest: 10, oldestUnacked: 3 as number | null };
  const repair = repairOf(outbox, told);
  repair.start(undefined);
  try {
    expect(repair.blindEnded(Date.now() - 40_000, Date.now() - 10_000)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    // Those that came since are not waited for: there are always some.
    Object.assign(outbox, { highest: 12, oldestUnacked: 10 });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(posts).toEqual([]);
    Object.assign(outbox, { oldestUnacked: 11 });
    await expect.poll(() => told, { timeout: 5_000 }).toMatchObject([{ Rows: "1", Result: "complete" }]);
    expect(posts).toMatchObject([{ kind: "file" }]);
  } finally {
    await repair.stop();
  }
});

it("detail records of calls that ran on after a blindness are read when these are over, and only those", async () => {
  const now = Math.floor(Date.now() / 1000);
  const stamp = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
  const row = (id: string, from: number, to: number): string =>
    `"","100","200","from-internal","""A"" <100>","SIP/100-${id}","SIP/200-${id}","Dial","SIP/200","${stamp(from)}","${stamp(from)}","${stamp(to)}","${to - from}","${to - from}","ANSWERED","DOCUMENTATION","${now - 60}.${id}",""\n`;
  mkdirSync(join(root, "var/log/asterisk/cdr-csv"), { recursive: true });
  const file = join(root, "var/log/asterisk/cdr-csv/Master.csv");
  writeFileSync(file, row("1", now - 35, now - 20));
  const told: AmiEvent[] = [];
  const repair = repairOf({ windows: [], highest: 10, oldestUnacked: null }, told);
  const [running, other] = [`${now - 60}.2`, `${now}.3`];
  repair.start(undefined);
  try {
    expect(repair.blindEnded((now - 40) * 1000, (now - 10) * 1000)).toBe(true);
    repair.see([{ Event: MARKERS.snapshot, Uniqueid: [running], Linkedid: [running], Complete: "true" }]);
    await expect.poll(() => told, { timeout: 8_000 }).toMatchObject([{ Rows: "1", Result: "complete" }]);
    // Listed once more, beside one that came since: it still runs.
    repair.see([{ Event: MARKERS.snapshot, Uniqueid: [running, other], Linkedid: [running, other], Complete: "true" }]);
    appendFileSync(file, row("2", now - 35, now) + row("3", now, now + 1));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(posts).toHaveLength(1);
    repair.see([{ Event: "Hangup", Uniqueid: running }]);
    await expect.poll(() => told.slice(1), { timeout: 12_000 }).toMatchObject([{ Rows: "2", Result: "complete" }]);
    expect(posts).toHaveLength(2);
    expect(told[1]?.["From"]).toBe(told[0]?.["From"]);
  } finally {
    await repair.stop();
  }
});
