import { createServer } from "node:net";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { join } from "node:path";
import createManager from "asterisk-manager";
import { describe, expect, it } from "vitest";
import type { AmiEvent } from "../../shared/ami-event.ts";
import { FrameReader } from "../../shared/ami-frame.ts";
import { readMessage } from "../../shared/ami-message.ts";

const SCENARIOS = join(import.meta.dirname, "../scenarios");
const captures = ["16", "22"].flatMap((version) =>
  readdirSync(join(SCENARIOS, version)).map((name) => join(SCENARIOS, version, name)),
);

function bytesOf(capture: string): Buffer {
  const raw = join(capture, "ami.raw");
  return existsSync(raw) ? readFileSync(raw) : gunzipSync(readFileSync(`${raw}.gz`));
}

function ours(bytes: Buffer): AmiEvent[] {
  const afterGreeting = bytes.subarray(bytes.indexOf("\n") + 1);
  return new FrameReader()
    .push(afterGreeting)
    .map(readMessage)
    .flatMap((message) => (message.kind === "event" ? [message.event] : []));
}

/** The library's events as it gives them, `LastEvent` telling that the capture is over. */
async function theirs(bytes: Buffer): Promise<Record<string, unknown>[]> {
  const server = createServer((socket) => socket.end(Buffer.concat([bytes, Buffer.from("Event: LastEvent\r\n\r\n")])));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const manager = createManager(address.port, "127.0.0.1", "", "", true);
  const events: Record<string, unknown>[] = [];
  await new Promise<void>((done) => {
    manager.on("managerevent", (event) => (event["event"] === "LastEvent" ? done() : void events.push(event)));
  });
  manager.disconnect();
  await new Promise((done) => server.close(done));
  return events;
}

/** Our event with what the library is known to change: lower-case names, and (Chan)Variable made an object, last one winning. */
function asTheyWould(event: AmiEvent): Record<string, unknown> {
  const seen: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event)) {
    const key = name.toLowerCase();
    seen[key] = key === "variable" || key === "chanvariable" ? variables([value].flat()) : value;
  }
  return seen;
}

function variables(values: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    values.map((value) => {
      const equals = value.indexOf("=");
      return equals < 0 ? [value, ""] : [value.slice(0, equals), value.slice(equals + 1)];
    }),
  );
}

describe("our reader against asterisk-manager", () => {
  it("sees the same events in every capture of Asterisk 16 and 22", async () => {
    expect(captures.length).toBeGreaterThan(80);
    let compared = 0;
    for (const path of captures) {
      const bytes = bytesOf(path);
      const expected = await theirs(bytes);
      expect({ path, events: ours(bytes).map(asTheyWould) }).toEqual({ path, events: expected });
      compared += expected.length;
    }
    expect(compared).toBeGreaterThan(20_000);
  }, 60_000);
});
