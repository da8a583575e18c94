import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startLink, type Link } from "./link.ts";

let echo: Server;
let link: Link;
let ended = 0;

beforeEach(async () => {
  ended = 0;
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => socket.write(bytes));
    socket.on("end", () => ended++);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  link = await startLink({ port: (echo.address() as AddressInfo).port });
});

afterEach(async () => {
  await link.stop();
  echo.close();
});

async function dial(): Promise<Socket> {
  const socket = connect(link.port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function roundTripMs(socket: Socket, bytes = 1): Promise<number> {
  const beganAt = performance.now();
  let got = 0;
  const all = new Promise<void>((resolve) =>
    socket.on("data", (piece: Buffer) => {
      got += piece.length;
      if (got >= bytes) resolve();
    }),
  );
  socket.write(Buffer.alloc(bytes));
  await all;
  return performance.now() - beganAt;
}

it("passes bytes both ways, and later or slower when told to", async () => {
  const socket = await dial();
  expect(await roundTripMs(socket)).toBeLessThan(100);
  link.delay(80);
  expect(await roundTripMs(socket)).toBeGreaterThanOrEqual(155);
  link.delay(0);
  link.throttle(100_000);
  expect(await roundTripMs(socket, 20_000)).toBeGreaterThanOrEqual(380);
  expect(link.bytesToTarget).toBe(20_002);
});

it("resets what is open and refuses what comes while it is cut, and works again on the same port", async () => {
  const socket = await dial();
  await link.cut();
  await expect.poll(() => socket.destroyed).toBe(true);
  await expect(dial()).rejects.toThrow("ECONNREFUSED");
  await link.restore();
  expect(await roundTripMs(await dial())).toBeLessThan(100);
});

it("freezes: nothing is closed, nothing passes, all arrives afterwards", async () => {
  const socket = await dial();
  link.freeze();
  const trip = roundTripMs(socket);
  await sleep(150);
  expect(socket.destroyed).toBe(false);
  await link.restore();
  expect(await trip).toBeGreaterThanOrEqual(140);
});

it("closes one direction only", async () => {
  const socket = await dial();
  await roundTripMs(socket);
  link.halfClose();
  await expect.poll(() => ended).toBe(1);
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});
