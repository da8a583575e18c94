import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const BALLAST_BYTES = 16 * 1024 * 1024;
/** The ballast is laid down again only when the disk has this much beside it. */
const FREE_BYTES_MIN = 4 * BALLAST_BYTES;

/**
 * A file that only takes up room. On a full disk SQLite cannot even note an ack; throwing the ballast off gives it
 * room to keep working until somebody makes space.
 */
export class Ballast {
  readonly #path: string;

  constructor(outboxPath: string) {
    this.#path = `${outboxPath}.ballast`;
  }

  /** Takes the ballast aboard if there is room. Never throws: without it the agent works, with less reserve. */
  take(): boolean {
    try {
      if (this.#aboard()) return true;
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      if (bavail * bsize < FREE_BYTES_MIN + BALLAST_BYTES) return false;
      this.#write();
      return true;
    } catch {
      this.release();
      return false;
    }
  }

  /** Whether there was something to throw off. */
  release(): boolean {
    try {
      rmSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }

  #aboard(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.size === BALLAST_BYTES;
  }

  #write(): void {
    const file = openSync(this.#path, "w", 0o600);
    try {
      // Written, not only sized: a sparse file takes no room.
      const block = Buffer.alloc(1024 * 1024, 1);
      for (let written = 0; written < BALLAST_BYTES; written += block.length) writeSync(file, block);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}
