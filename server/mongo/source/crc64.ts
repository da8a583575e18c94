/** CRC-64 (ECMA-182, reflected), as mongodump puts it behind each collection of an archive. Kept in two 32-bit halves. */
const POLY_HIGH = 0xc96c5795;
const POLY_LOW = 0xd7870f42;
const HIGH = new Uint32Array(256);
const LOW = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1;
    low = ((low >>> 1) | (high << 31)) >>> 0;
    high >>>= 1;
    if (odd === 1) {
      high = (high ^ POLY_HIGH) >>> 0;
      low = (low ^ POLY_LOW) >>> 0;
    }
  }
  HIGH[byte] = high;
  LOW[byte] = low;
}

export interface Crc64 {
  high: number;
  low: number;
}

export const CRC64_OF_NOTHING: Crc64 = { high: 0, low: 0 };

/** The sum of what came before and these bytes. */
export function crc64(bytes: Uint8Array, before: Crc64): Crc64 {
  let high = ~before.high >>> 0;
  let low = ~before.low >>> 0;
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff;
    low = (((low >>> 8) | (high << 24)) ^ (LOW[index] ?? 0)) >>> 0;
    high = ((high >>> 8) ^ (HIGH[index] ?? 0)) >>> 0;
  }
  return { high: ~high >>> 0, low: ~low >>> 0 };
}

/** As the signed 64-bit number that BSON carries. */
export function crc64Value({ high, low }: Crc64): bigint {
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
}
