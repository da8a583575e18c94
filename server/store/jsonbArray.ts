const JSONB_OID = 3802;
const HEADER_BYTES = 20;
const JSONB_VERSION = 1;

/** JSON texts as a jsonb[] parameter in PostgreSQL's binary form: long texts then need no escaping and are parsed once. */
export function jsonbArray(texts: readonly (string | null)[]): Buffer {
  const sizes = texts.map((text) => (text === null ? 0 : 1 + Buffer.byteLength(text)));
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + sizes.reduce((sum, size) => sum + 4 + size, 0));
  buffer.writeInt32BE(texts.length === 0 ? 0 : 1, 0);
  buffer.writeInt32BE(texts.includes(null) ? 1 : 0, 4);
  buffer.writeInt32BE(JSONB_OID, 8);
  buffer.writeInt32BE(texts.length, 12);
  buffer.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const [index, text] of texts.entries()) {
    at = buffer.writeInt32BE(text === null ? -1 : sizes[index]!, at);
    if (text === null) continue;
    at = buffer.writeUInt8(JSONB_VERSION, at);
    at += buffer.write(text, at, "utf8");
  }
  return texts.length === 0 ? buffer.subarray(0, 12) : buffer;
}
