import type { Truth } from "../support/truth.ts";
import type { Pbx } from "./lab/pbx.ts";
import { play, type Played } from "./lab/play.ts";
import type { Scenario } from "./lab/scenario.ts";
import { truthOf } from "./lab/truth/truth.ts";

/** A scenario that was played, and the truth about it. */
export interface Told {
  truth: Truth;
  /** Where SIPp, CDR or CEL went otherwise than the script. */
  checksFailed: readonly string[];
  /** Of all that Asterisk's own CEL and CDR have of it. */
  linkedids: string[];
}

export async function playAndTell(pbx: Pbx, scenario: Scenario): Promise<Told> {
  const played = await play(pbx, scenario);
  const { checks_failed: checksFailed, ...truth } = truthOf(pbx.release, played);
  return { truth: truth as unknown as Truth, checksFailed, linkedids: linkedidsOf(played) };
}

function linkedidsOf({ cdr, cel }: Played): string[] {
  return [...new Set([...cdr, ...cel].map(({ linkedid = "" }) => linkedid))].filter((linkedid) => linkedid !== "");
}
