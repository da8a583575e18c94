import type { Scenario } from "../scenario.ts";
import { GROUPS } from "./groups.ts";
import { PLAIN } from "./plain.ts";
import { SERVICES } from "./services.ts";
import { TRANSFERS } from "./transfers.ts";

/** Every scenario of the lab, in the order they are played. */
export const SCENARIOS: readonly Scenario[] = [...PLAIN, ...GROUPS, ...TRANSFERS, ...SERVICES];

export function scenarioNamed(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}
