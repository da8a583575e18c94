import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { ControlSocket, socketPath } from "./socket.ts";
import { Watch } from "./watch.ts";

/** How often the socket is looked after. */
const LOOK_MS = 20;

let folder: string;
let outbox: string;
let watch: Watch;
let control: ControlSocket;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-socket-"));
  outbox = join(folder, "outbox.db");
  watch = new Watch({ clock: systemClock, remember: () => {} });
  const nothing = () => Promise.resolve(null);
  control = new ControlSocket(outbox, { status: () => ({}) as never, watch, look: nothing, check: nothing }, LOOK_MS);
});
afterEach(async () => {
  await control.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the socket that the commands ask", () => {
  it("is its owner's alone", async () => {
    await control.listen();
    expect(statSync(socketPath(outbox)).mode & 0o777).toBe(0o600);
  });

  it("says what to do when something else stands in its place", async () => {
    mkdirSync(socketPath(outbox));
    await expect(control.listen()).rejects.toThrow(/outbox\.db\.sock.*another \[outbox\] path/);
  });

  it("lets a reader go who does not read, and keeps the others", async () => {
    await control.listen();
    const [stuck, keen] = [connect(socketPath(outbox)), connect(socketPath(outbox))];
    let heard = 0;
    keen.on("data", (chunk) => (heard += chunk.length));
    for (const reader of [stuck, keen]) reader.write('{"ask":"tail"}\n');
    await expect.poll(() => watch.listening).toBe(2);
    const event = { Event: "VarSet", Value: "x".repeat(10_000) };
    for (let n = 0; n < 1_000; n++) {
      watch.see([event]);
      await new Promise(setImmediate);
    }
    await expect.poll(() => watch.listening).toBe(1);
    await expect.poll(() => heard).toBeGreaterThan(10_000_000);
    stuck.resume();
    await once(stuck, "close");
    keen.destroy();
    await expect.poll(() => watch.listening).toBe(0);
  });

  it("is there again when its folder was emptied under the running agent", async () => {
    await control.listen();
    rmSync(socketPath(outbox));
    await expect.poll(() => statSync(socketPath(outbox), { throwIfNoEntry: false })?.mode.toString(8)).toBe("140600");
    const client = connect(socketPath(outbox));
    await once(client, "connect");
    client.destroy();
  });
});
