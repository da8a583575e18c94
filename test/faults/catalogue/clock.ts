import { pause, type Stack } from "../stack/stack.ts";
import type { Random } from "../random.ts";
import type { Fault } from "./fault.ts";

const MINUTE_MS = 60_000;
const JUMP_MINUTES_MAX = 180;

function clockFault(name: string, sign: 1 | -1, title: string): Fault {
  return {
    name,
    title,
    touches: ["clock", "ami", "agent", "outbox"],
    cannot: ({ canBend }) => (canBend ? null : "it needs a C compiler (cc)"),
    inject: (stack, random, holdMs) => jump(stack, random, sign, holdMs),
  };
}

/** The PBX and the agent share the machine, so both see the jump. */
async function jump(stack: Stack, random: Random, sign: 1 | -1, holdMs: number): Promise<void> {
  const minutes = random.between(2, JUMP_MINUTES_MAX);
  stack.setClock(sign * minutes * MINUTE_MS);
  await pause(holdMs);
  stack.setClock(0);
  await pause(500);
}

export const CLOCK_FAULTS: readonly Fault[] = [
  clockFault("clock-forward", 1, "the machine's clock jumps minutes to hours ahead, and back"),
  clockFault("clock-back", -1, "the machine's clock jumps minutes to hours back, and ahead"),
];
