import { finished } from "node:stream/promises";
import pg, { type ClientBase } from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import type { EventRow } from "../server/store/insertEvents.ts";
import { slices } from "./agents.ts";

const COPY = `COPY bare.ami_events
  (received_at, stream_id, seq, site_id, captured_at, mono, origin, event, linkedid, digest, body)
  FROM STDIN (FORMAT binary)`;
const COLUMNS = 11;
/** Lengths and fixed columns of a row; texts come on top. */
const FIXED_BYTES = 2 + COLUMNS * 4 + 5 * 8 + 4 + 8 + 1;
const CHUNK_BYTES = 256 * 1024;
const SIGNATURE = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
const POSTGRES_EPOCH_MS = 946_684_800_000;
const TWO_32 = 2 ** 32;

/** Seconds that COPY takes for the same events, in the same batches, into a table of the same shape with the same indexes. */
export function copyEvents(url: string, rows: readonly EventRow[], batchEvents: number): Promise<number> {
  return inOwnSchema(url, async (client) => {
    await client.query("CREATE TABLE bare.ami_events (LIKE public.ami_events INCLUDING ALL)");
    const startedAt = performance.now();
    for (const batch of slices(rows, batchEvents)) {
      const stream = client.query(copyFrom(COPY));
      for (const chunk of encodeRows(Date.now(), batch)) stream.write(chunk);
      stream.end();
      await finished(stream);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const { rows: counted } = await client.query<{ n: number }>("SELECT count(*)::float8 AS n FROM bare.ami_events");
    if (counted[0]?.n !== rows.length) throw new Error(`COPY stored ${counted[0]?.n} of ${rows.length} events`);
    return seconds;
  });
}

/** Whatever ingest writes, but for what it notes of streams and sites. */
const WRITTEN = ["ami_events", "calls", "call_links", "call_participants", "call_events"];

/** Seconds that COPY takes for every row that ingest has written, ready made, one COPY for a table. */
export function copyAllRows(url: string): Promise<number> {
  return inOwnSchema(url, async (client) => {
    let seconds = 0;
    for (const table of WRITTEN) {
      await client.query(`CREATE TABLE bare.${table} (LIKE public.${table} INCLUDING ALL)`);
      const chunks: Buffer[] = [];
      const from = client.query(copyTo(`COPY (SELECT * FROM public.${table}) TO STDOUT (FORMAT binary)`));
      for await (const chunk of from) chunks.push(chunk as Buffer);
      const startedAt = performance.now();
      const stream = client.query(copyFrom(`COPY bare.${table} FROM STDIN (FORMAT binary)`));
      for (const chunk of chunks) stream.write(chunk);
      stream.end();
      await finished(stream);
      seconds += (performance.now() - startedAt) / 1000;
    }
    return seconds;
  });
}

async function inOwnSchema<T>(url: string, work: (client: ClientBase) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("CREATE SCHEMA bare");
    const result = await work(client);
    await client.query("DROP SCHEMA bare CASCADE");
    return result;
  } finally {
    await client.end();
  }
}

/** The rows in PostgreSQL's binary COPY format, in chunks. */
function* encodeRows(receivedAtMs: number, rows: Iterable<EventRow>): Generator<Buffer> {
  const receivedAt = microseconds(receivedAtMs);
  let writer = new RowWriter(CHUNK_BYTES);
  writer.bytes(SIGNATURE);
  for (const row of rows) {
    const needed = FIXED_BYTES + textBytesMax(row);
    if (needed > writer.room) {
      yield writer.written();
      writer = new RowWriter(Math.max(CHUNK_BYTES, needed));
    }
    writeRow(writer, receivedAt, row);
  }
  yield writer.written();
  yield Buffer.from([0xff, 0xff]);
}

function textBytesMax({ origin, event, linkedid, digest, body }: EventRow): number {
  return (origin.length + event.length + (linkedid?.length ?? 0) + body.length) * 3 + digest.length;
}

function writeRow(to: RowWriter, receivedAt: number, row: EventRow): void {
  to.int16(COLUMNS);
  to.int8Field(receivedAt);
  to.int8Field(row.streamId);
  to.int8Field(row.seq);
  to.int4Field(row.siteId);
  to.int8Field(microseconds(row.at));
  to.int8Field(row.mono);
  to.textField(row.origin);
  to.textField(row.event);
  to.textField(row.linkedid);
  to.bytesField(row.digest);
  to.jsonbField(row.body);
}

function microseconds(epochMs: number): number {
  return (epochMs - POSTGRES_EPOCH_MS) * 1000;
}

class RowWriter {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  get room(): number {
    return this.#buffer.length - this.#at;
  }

  written(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  int16(value: number): void {
    this.#at = this.#buffer.writeInt16BE(value, this.#at);
  }

  int4Field(value: number): void {
    this.#at = this.#buffer.writeInt32BE(4, this.#at);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
  }

  /** Any integer a double holds exactly, and the nearest one beyond. */
  int8Field(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.#at = this.#buffer.writeInt32BE(8, this.#at);
    this.#at = this.#buffer.writeInt32BE(high, this.#at);
    this.#at = this.#buffer.writeUInt32BE(value - high * TWO_32, this.#at);
  }

  textField(text: string | null): void {
    if (text === null) this.#at = this.#buffer.writeInt32BE(-1, this.#at);
    else this.#sized(this.#buffer.write(text, this.#at + 4, "utf8"));
  }

  jsonbField(json: string): void {
    this.#buffer[this.#at + 4] = 1;
    this.#sized(1 + this.#buffer.write(json, this.#at + 5, "utf8"));
  }

  bytesField(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#at + 4);
    this.#sized(bytes.length);
  }

  bytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Puts the length before a field already written behind it. */
  #sized(length: number): void {
    this.#buffer.writeInt32BE(length, this.#at);
    this.#at += 4 + length;
  }
}
