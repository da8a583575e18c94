import { describe, expect, it } from "vitest";
import { assemble } from "../../server/assemble/index.ts";
import { capture, captureNames } from "../support/captures.ts";
import { compareCalls, explainDifferences } from "../support/truth-compare.ts";
import { eventsOf, type Rights } from "../support/truth-events.ts";
import { truthOf } from "../support/truth.ts";
import { LAB, NO_SETTINGS } from "../support/truth-directory.ts";

const RIGHTS: Record<Rights, string> = {
  everything: "with everything Asterisk sends",
  recommended: "with the rights a site really gives",
  call: "with class call alone",
};

/** What class call cannot show: phones without a channel, what was dialled by a phone nobody rang. */
const BLIND_WITH_CALL_ALONE = /unregistered/;

for (const name of captureNames()) {
  describe(`capture ${name}`, () => {
    for (const rights of ["everything", "recommended", "call"] as const) {
      if (rights === "call" && BLIND_WITH_CALL_ALONE.test(name)) continue;
      for (const directory of [LAB, NO_SETTINGS]) {
        const settings = directory === LAB ? "" : ", without settings";
        it(`is told as it happened ${RIGHTS[rights]}${settings}`, () => {
          const calls = assemble(eventsOf(capture(name), rights), directory);
          const differences = compareCalls(truthOf(name), calls, { plain: rights === "call" });
          expect(explainDifferences(differences)).toBe("");
        });
      }
    }
  });
}
