/** Most of what a batch may be, so that the buffer seldom has to grow. */
const BYTES_AT_FIRST = 320 * 1024;
/** A character takes at most three bytes. */
const BYTES_PER_CHARACTER_MAX = 3;

/**
 * Gathers a batch's lines in one buffer that is used again and again: a million rows pass through the thread without
 * any of their text living longer than its own line.
 */
export class Lines {
  #buffer = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
  #bytes = 0;
  count = 0;

  get bytes(): number {
    return this.#bytes;
  }

  clear(): void {
    this.#bytes = 0;
    this.count = 0;
  }

  add(line: string): void {
    const needed = this.#bytes + line.length * BYTES_PER_CHARACTER_MAX;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#bytes += this.#buffer.write(line, this.#bytes);
    this.count++;
  }

  /** The lines as bytes of their own; a buffer that one huge line has blown up is let go. */
  take(): Uint8Array<ArrayBuffer> {
    const lines = new Uint8Array(this.#bytes);
    lines.set(this.#buffer.subarray(0, this.#bytes));
    this.clear();
    if (this.#buffer.length > BYTES_AT_FIRST * 4) this.#buffer = Buffer.allocUnsafeSlow(BYTES_AT_FIRST);
    return lines;
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#bytes);
    this.#buffer = larger;
  }
}
