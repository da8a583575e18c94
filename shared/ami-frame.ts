/** One AMI message as text, without its closing empty line. */
export interface Frame {
  text: string;
  /** Bytes that did not fit into AMI_LIMITS.frameBytesMax and were let go; 0 for a whole frame. */
  droppedBytes: number;
}

/** 1 MB values pass whole with their headers; a line without end costs no more than this. */
export const AMI_LIMITS = { frameBytesMax: 2 * 1024 * 1024, greetingBytesMax: 1024 } as const;

const CRLF = Buffer.from("\r\n");
const END = Buffer.from("\r\n\r\n");
const EMPTY = Buffer.alloc(0);

/**
 * Cuts AMI's byte stream into frames. Pure and bounded: it keeps one unfinished frame of at most `frameBytesMax`;
 * what is longer is cut, its rest skipped, and the next frame is read as if nothing had happened.
 * Only whole frames are decoded, so a character cut between two chunks is never damaged; invalid bytes become U+FFFD.
 */
export class FrameReader {
  readonly #frameBytesMax: number;
  #kept: Buffer = EMPTY;
  /** Bytes of #kept already searched for an end. */
  #searched = 0;
  /** Set while the rest of an oversized frame is skipped. */
  #oversized: { text: string; droppedBytes: number } | null = null;

  constructor(frameBytesMax: number = AMI_LIMITS.frameBytesMax) {
    this.#frameBytesMax = frameBytesMax;
  }

  get keptBytes(): number {
    return this.#kept.length;
  }

  push(chunk: Buffer): Frame[] {
    const data = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    const frames: Frame[] = [];
    let start = this.#oversized === null ? skipEmptyLines(data, 0) : 0;
    let from = Math.max(start, this.#searched - END.length + 1);
    for (;;) {
      const end = data.indexOf(END, from);
      if (end < 0) break;
      frames.push(this.#finish(data.subarray(start, end)));
      start = skipEmptyLines(data, end + END.length);
      from = start;
    }
    this.#keep(data.subarray(start));
    return frames;
  }

  #finish(bytes: Buffer): Frame {
    const oversized = this.#oversized;
    if (oversized === null) return this.#cut(bytes);
    this.#oversized = null;
    return { text: oversized.text, droppedBytes: oversized.droppedBytes + bytes.length };
  }

  #cut(bytes: Buffer): Frame {
    const kept = bytes.subarray(0, this.#frameBytesMax);
    return { text: kept.toString("utf8"), droppedBytes: bytes.length - kept.length };
  }

  #keep(rest: Buffer): void {
    if (this.#oversized === null && rest.length > this.#frameBytesMax)
      this.#oversized = { text: this.#cut(rest).text, droppedBytes: -this.#frameBytesMax };
    if (this.#oversized !== null) {
      // Only what may be the beginning of an end is worth keeping of a frame that is cut already.
      const tail = Math.max(0, rest.length - END.length + 1);
      this.#oversized.droppedBytes += tail;
      rest = rest.subarray(tail);
    }
    // A copy, so that 3 bytes do not keep a 64 KB chunk alive.
    this.#kept = rest.length === 0 ? EMPTY : Buffer.from(rest);
    this.#searched = this.#kept.length;
  }
}

/** Debian builds close some events with an extra empty line. */
function skipEmptyLines(data: Buffer, from: number): number {
  let at = from;
  while (data[at] === CRLF[0] && data[at + 1] === CRLF[1]) at += CRLF.length;
  return at;
}
