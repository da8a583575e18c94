import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { webhookSender } from "../../server/deliver/webhook-send.ts";
import { SECRET } from "./receiver.ts";

let server: Server;
let port: number;
let sockets: Socket[];
/** What the other side does with a connection. */
let behave: (socket: Socket) => void;

beforeEach(async () => {
  sockets = [];
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    behave(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
  behave = (socket) => socket.end("HTTP/1.1 204 No Content\r\n\r\n");
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, "close");
});

const send = (url: string, { allowPrivate = true, timeoutMs = 600 } = {}) =>
  webhookSender({ timeoutMs }).send({
    url,
    secret: SECRET,
    allowPrivate,
    allowRedirects: false,
    id: "s1-1-hangup-1",
    body: "{}",
    now: Date.now(),
  });
const here = () => `http://127.0.0.1:${port}/`;

describe("an address of this machine", () => {
  it.each([
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.0.0.1.",
    "0.0.0.0",
    "0",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "①②⑦.0.0.1",
    "user@127.0.0.1",
    "example.com@127.0.0.1",
  ])("written as %s is not connected to, unless allowed", async (host) => {
    const outcome = await send(`http://${host}:${port}/`, { allowPrivate: false, timeoutMs: 5_000 });
    expect(outcome).toMatchObject({ kind: "retry", error: expect.stringContaining("is a private address") });
    expect(sockets).toEqual([]);
  });

  it("is reached when it is allowed", async () => {
    expect(await send(here())).toEqual({ kind: "sent" });
  });
});

describe("a receiver that", () => {
  it("never ends its answer is cut off, and what it took is sent", async () => {
    behave = (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n");
      const more = setInterval(() => socket.write("x".repeat(65_536)), 5);
      socket.on("close", () => clearInterval(more));
    };
    expect(await send(here())).toEqual({ kind: "sent" });
    await expect.poll(() => sockets.map(({ destroyed }) => destroyed), { timeout: 3_000 }).toEqual([true]);
    expect(sockets[0]!.bytesWritten).toBeLessThan(8_000_000);
  });

  it("never ends its headers is not waited for, nor read for ever", async () => {
    behave = (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const more = setInterval(() => socket.write("x-more: 1\r\n"), 50);
      socket.on("close", () => clearInterval(more));
    };
    expect(await send(here())).toEqual({ kind: "retry", error: "no answer within 0.6 s" });
    behave = (socket) => socket.write(`HTTP/1.1 200 OK\r\nx-big: ${"x".repeat(1_000_000)}\r\n`);
    expect(await send(here())).toMatchObject({ kind: "retry", error: expect.stringMatching(/header/i) });
  });

  it("is no TLS server, or closes at once, is tried again and the reason kept short", async () => {
    const outcome = await send(here().replace("http:", "https:"));
    expect(outcome).toMatchObject({
      kind: "retry",
      error: expect.stringMatching(/SSL|TLS|wrong version|disconnected/i),
    });
    behave = (socket) => socket.destroy();
    expect(await send(here())).toMatchObject({ kind: "retry", error: expect.stringMatching(/hang up|ECONNRESET/) });
    behave = (socket) => socket.end(`HTTP/1.1 ${"5".repeat(300)} x\r\n\r\n`);
    const { error } = (await send(here())) as { error: string };
    expect(error.length).toBeLessThanOrEqual(300);
  });
});
