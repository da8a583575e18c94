import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { loadCapture, type Capture } from "./pbx/capture.ts";

/** Every recorded call lives here once: `<asterisk>/<scenario>/`, with what was true in truth.json. */
export const SCENARIOS = join(import.meta.dirname, "..", "scenarios");

/** One capture by its name, such as "22/incoming_answered". */
export function capture(name: string): Capture {
  return loadCapture(join(SCENARIOS, name));
}

/** Names of all captures, such as "16/blind_transfer". */
export function captureNames(): string[] {
  return readdirSync(SCENARIOS, { withFileTypes: true })
    .filter((version) => version.isDirectory())
    .flatMap((version) => readdirSync(join(SCENARIOS, version.name)).map((name) => `${version.name}/${name}`))
    .filter((name) => ["ami.raw", "ami.raw.gz"].some((file) => existsSync(join(SCENARIOS, name, file))))
    .sort();
}
