import { gzipSync } from "node:zlib";
import { INGEST_PATH, NDJSON, type IngestHeader, type WireEvent } from "../../../shared/wire.ts";

export interface Posted {
  status: number;
  body: string;
}

/** Sends one batch straight to a server, as an agent would. */
export async function post(
  port: number,
  key: string,
  header: IngestHeader,
  events: readonly WireEvent[],
): Promise<Posted> {
  const lines = [header, ...events].map((line) => JSON.stringify(line)).join("\n");
  const reply = await fetch(`http://127.0.0.1:${port}${INGEST_PATH}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": NDJSON, "content-encoding": "gzip" },
    body: gzipSync(`${lines}\n`),
  });
  return { status: reply.status, body: await reply.text() };
}
