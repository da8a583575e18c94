import { createHash, randomInt } from "node:crypto";

/** No 0 and O, no 1, I and L: codes are read over the telephone. */
const LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const LENGTH = 16;
const GROUP = 4;
const CODE_FORMAT = new RegExp(`^[${LETTERS}]{${LENGTH}}$`);

/** A new code of 79 bits, as people read it: `7KQM-...`. */
export function makeInviteCode(random: (below: number) => number = randomInt): string {
  const letters = Array.from({ length: LENGTH }, () => LETTERS.charAt(random(LETTERS.length))).join("");
  return letters.match(new RegExp(`.{${GROUP}}`, "g"))?.join("-") ?? letters;
}

/** SHA-256 of a code however it was typed; undefined when it cannot be one. */
export function hashInviteCode(typed: string): Buffer | undefined {
  const code = typed.replace(/[\s-]/g, "").toUpperCase();
  return CODE_FORMAT.test(code) ? createHash("sha256").update(code).digest() : undefined;
}
