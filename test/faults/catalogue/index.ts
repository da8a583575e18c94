import { CLOCK_FAULTS } from "./clock.ts";
import type { Fault } from "./fault.ts";
import { LINK_FAULTS } from "./link.ts";
import { OUTBOX_FAULTS } from "./outbox.ts";
import { PROCESS_FAULTS } from "./processes.ts";
import { SEQ_CONFLICT } from "./conflict.ts";

/** Every fault there is. */
export const FAULTS: readonly Fault[] = [
  ...LINK_FAULTS,
  ...PROCESS_FAULTS,
  ...OUTBOX_FAULTS,
  ...CLOCK_FAULTS,
  SEQ_CONFLICT,
];

/** The faults of the given names. Throws with the names there are when one is unknown. */
export function faultsNamed(names: readonly string[]): Fault[] {
  return names.map((name) => {
    const fault = FAULTS.find((candidate) => candidate.name === name);
    if (fault === undefined) {
      throw new Error(`There is no fault "${name}". There are: ${FAULTS.map((known) => known.name).join(", ")}.`);
    }
    return fault;
  });
}
