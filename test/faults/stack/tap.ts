import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { IngestHeader, Origin, WireEvent } from "../../../shared/wire.ts";

/** One sending of one event, as it was on the wire. */
export interface Sending {
  origin: Origin;
  /** The agent's clock when it was sent, epoch ms. */
  sentAt: number;
  capturedAt: number;
}

/** Reads along on the link: with which tag, and when, each numbered event was sent. */
export class WireTap {
  /** Sendings by the event's number. */
  readonly sendings = new Map<number, Sending[]>();
  heartbeats = 0;
  unreadable = 0;

  sent(encoding: string | undefined, body: Buffer): void {
    try {
      this.#read(decode(encoding, body).toString("utf8"));
    } catch {
      this.unreadable++;
    }
  }

  #read(text: string): void {
    const [first, ...rest] = text.split("\n");
    const header = JSON.parse(first!) as IngestHeader;
    const lines = rest.filter((line) => line !== "");
    if (lines.length === 0) this.heartbeats++;
    for (const line of lines) this.#note(header, JSON.parse(line) as WireEvent);
  }

  #note(header: IngestHeader, event: WireEvent): void {
    const number = Number(event.ev["OracleNumber"]);
    if (!Number.isInteger(number)) return;
    const sending = { origin: event.origin, sentAt: header.sent_at, capturedAt: event.at };
    const before = this.sendings.get(number);
    if (before === undefined) this.sendings.set(number, [sending]);
    else before.push(sending);
  }
}

function decode(encoding: string | undefined, body: Buffer): Buffer {
  if (encoding === "gzip") return gunzipSync(body);
  return encoding === "zstd" ? zstdDecompressSync(body) : body;
}
