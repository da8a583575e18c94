import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { AmiEvent } from "../../shared/ami-event.ts";
import { createLogger } from "../../shared/log.ts";
import type { IngestHeader } from "../../shared/wire.ts";
import { systemClock } from "../clock.ts";
import { Repair } from "./repair.ts";

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

it("rows of a blindness are sent once the server has what was heard before them", async () => {
  const seconds = Math.floor(Date.now() / 1000) - 30;
  const row = `"CHAN_START","${seconds}.5","","","","","","","","PJSIP/1-0","","","3","","1.1","1.1","","","",""\n`;
  writeFileSync(join(root, "var/log/asterisk/cel-custom/Master.csv"), row);
  const told: AmiEvent[] = [];
  const outbox = { windows: [], highest: 10, oldestUnacked: 3 as number | null };
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const files = { enabled: true, root, asterisk_conf: "/etc/asterisk/asterisk.conf", zone: "UTC", isLocal: true };
  const repair = new Repair(
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
