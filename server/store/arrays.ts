/**
 * Array parameters in PostgreSQL's binary form: nothing is escaped, printed or read again, however long a text is, and
 * however many there are.
 */
const OID = { bytea: 17, int8: 20, int4: 23, text: 25, timestamptz: 1184, jsonb: 3802 } as const;
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const JSONB_VERSION = 1;
const TWO_32 = 2 ** 32;
const POSTGRES_EPOCH_MS = 946_684_800_000;

/** How one element is laid out: its bytes, and how they get into the buffer. */
interface Element<T> {
  bytes: (value: T) => number;
  write: (value: T, to: Buffer, at: number) => void;
}

const TEXT: Element<string> = { bytes: (text) => Buffer.byteLength(text), write: (text, to, at) => to.write(text, at) };
const JSONB: Element<string> = {
  bytes: (json) => 1 + Buffer.byteLength(json),
  write: (json, to, at) => to.write(json, to.writeUInt8(JSONB_VERSION, at)),
};
const BYTES: Element<Uint8Array> = { bytes: (bytes) => bytes.length, write: (bytes, to, at) => to.set(bytes, at) };
const INT4: Element<number> = { bytes: () => 4, write: (value, to, at) => to.writeInt32BE(value, at) };
/** Any integer a double holds exactly, and the nearest one beyond. */
const INT8: Element<number> = {
  bytes: () => 8,
  write: (value, to, at) => {
    const high = Math.floor(value / TWO_32);
    to.writeUInt32BE(value - high * TWO_32, to.writeInt32BE(high, at));
  },
};

export function textArray(texts: readonly (string | null)[]): Buffer {
  return arrayOf(OID.text, TEXT, texts);
}

/** JSON texts as jsonb[]; each is parsed once, by PostgreSQL. */
export function jsonbArray(texts: readonly (string | null)[]): Buffer {
  return arrayOf(OID.jsonb, JSONB, texts);
}

export function byteaArray(values: readonly Uint8Array[]): Buffer {
  return arrayOf(OID.bytea, BYTES, values);
}

export function int4Array(values: readonly number[]): Buffer {
  return arrayOf(OID.int4, INT4, values);
}

export function int8Array(values: readonly number[]): Buffer {
  return arrayOf(OID.int8, INT8, values);
}

/** Times in epoch ms as timestamptz[]. */
export function timeArray(epochMs: readonly number[]): Buffer {
  return arrayOf(
    OID.timestamptz,
    INT8,
    epochMs.map((ms) => (ms - POSTGRES_EPOCH_MS) * 1000),
  );
}

function arrayOf<T>(oid: number, { bytes, write }: Element<T>, values: readonly (T | null)[]): Buffer {
  const sizes = values.map((value) => (value === null ? 0 : bytes(value)));
  const buffer = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + LENGTH_BYTES + size, HEADER_BYTES));
  writeHeader(buffer, oid, values.length, values.includes(null));
  if (values.length === 0) return buffer.subarray(0, 12);
  let at = HEADER_BYTES;
  for (const [index, value] of values.entries()) {
    const size = sizes[index] ?? 0;
    at = buffer.writeInt32BE(value === null ? -1 : size, at);
    if (value !== null) write(value, buffer, at);
    at += size;
  }
  return buffer;
}

/** Dimensions, whether there are nulls, the type; then the length of the one dimension and the index it starts at. */
function writeHeader(buffer: Buffer, oid: number, length: number, hasNulls: boolean): void {
  const fields = [length === 0 ? 0 : 1, hasNulls ? 1 : 0, oid, length, 1];
  for (const [index, field] of fields.entries()) buffer.writeInt32BE(field, index * 4);
}
