import { existsSync, readdirSync, readFileSync } from "node:fs";
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

/** What the phones of a recorded call saw. */
export interface PhonesSaw {
  linkedid: string;
  status: string;
  extension: string | null;
}

interface TruthFile {
  calls: { label: string; linkedid: string; call_status: string; main_extension: string | null }[];
}

/** The calls of a recording as its phones saw them; a consultation is part of the call it merged into. */
export function phonesSaw(name: string): PhonesSaw[] {
  const file = JSON.parse(readFileSync(join(SCENARIOS, name, "truth.json"), "utf8")) as TruthFile;
  return file.calls
    .filter((call) => call.label !== "consult")
    .map((call) => ({ linkedid: call.linkedid, status: call.call_status, extension: call.main_extension }));
}
