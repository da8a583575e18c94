import { createSocket } from "node:dgram";

const ANSWER_MS_MAX = 3_000;

export interface SipPacket {
  from: { address: string; port: number };
  to: { address: string; port: number };
  /** Request line and headers; Via, Max-Forwards and Content-Length are added. */
  lines: readonly string[];
}

let sent = 0;

/**
 * Sends one SIP request from its own socket and waits for the final answer.
 * @returns the status code, or null when nothing final came in time.
 */
export function sendRequest(packet: SipPacket): Promise<number | null> {
  const socket = createSocket("udp4");
  return new Promise((done, fail) => {
    const timer = setTimeout(() => finish(null), ANSWER_MS_MAX);
    const finish = (status: number | null): void => {
      clearTimeout(timer);
      socket.close(() => done(status));
    };
    socket.once("error", fail);
    socket.on("message", (message) => {
      const status = statusOf(message.toString("utf8"));
      if (status !== null && status >= 200) finish(status);
    });
    socket.bind(packet.from.port, packet.from.address, () => {
      const text = compose(packet, socket.address().port);
      socket.send(text, packet.to.port, packet.to.address);
    });
  });
}

function compose(packet: SipPacket, port: number): string {
  sent += 1;
  const [request = "", ...headers] = packet.lines;
  const via = `Via: SIP/2.0/UDP ${packet.from.address}:${port};branch=z9hG4bK-lab-${process.pid}-${sent};rport`;
  return [request, via, "Max-Forwards: 70", ...headers, "Content-Length: 0", "", ""].join("\r\n");
}

function statusOf(message: string): number | null {
  const status = /^SIP\/2\.0 (\d{3})/.exec(message)?.[1];
  return status === undefined ? null : Number(status);
}
