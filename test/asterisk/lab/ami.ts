import { once } from "node:events";
import { connect, type Socket } from "node:net";

const LOGIN_MS_MAX = 5_000;

/** Everything one AMI connection received, as it came. */
export interface AmiTap {
  bytes(): Buffer;
  /** For each chunk: when it came (epoch ms) and where it begins. */
  times(): readonly { at: number; offset: number }[];
  action(fields: Readonly<Record<string, string>>): void;
  close(): Promise<void>;
}

/**
 * Logs in to a lab PBX's AMI and keeps every byte, the banner first.
 * @throws Error when the login is not accepted in time.
 */
export async function tapAmi(port: number, user: string, secret: string): Promise<AmiTap> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  const times: { at: number; offset: number }[] = [];
  let length = 0;
  socket.on("data", (chunk: Buffer) => {
    times.push({ at: Date.now(), offset: length });
    chunks.push(chunk);
    length += chunk.length;
  });
  await once(socket, "connect");
  const action = (fields: Readonly<Record<string, string>>): void => void socket.write(compose(fields));
  action({ Action: "Login", ActionID: "login-1", Username: user, Secret: secret });
  await accepted(socket, chunks, user);
  return { bytes: () => Buffer.concat(chunks), times: () => times, action, close: () => close(socket) };
}

function compose(fields: Readonly<Record<string, string>>): string {
  return `${Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;
}

async function accepted(socket: Socket, chunks: readonly Buffer[], user: string): Promise<void> {
  const deadline = Date.now() + LOGIN_MS_MAX;
  while (Date.now() < deadline && !socket.destroyed) {
    const text = Buffer.concat(chunks).toString("latin1");
    if (text.includes("Message: Authentication accepted")) return;
    if (text.includes("Response: Error")) break;
    await Promise.race([once(socket, "data"), new Promise((done) => setTimeout(done, 100))]);
  }
  socket.destroy();
  throw new Error(`AMI did not accept the login of ${user}`);
}

async function close(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  const closed = once(socket, "close");
  socket.end();
  socket.destroySoon();
  await closed;
}

/** The events in a capture, each as its header lines. */
export function eventBlocks(capture: string): string[] {
  return capture.split("\r\n\r\n").filter((block) => /^Event: /m.test(block));
}
