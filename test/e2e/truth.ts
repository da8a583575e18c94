import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SCENARIOS } from "../support/captures.ts";

/** What the phones saw of a recorded call. */
export interface Truth {
  linkedid: string;
  status: string;
  extension: string | null;
}

interface TruthFile {
  calls: { label: string; linkedid: string; call_status: string; main_extension: string | null }[];
}

/** The calls of a recording; consultations are part of the call they merged into. */
export function truthOf(name: string): Truth[] {
  const file = JSON.parse(readFileSync(join(SCENARIOS, name, "truth.json"), "utf8")) as TruthFile;
  return file.calls
    .filter((call) => call.label !== "consult")
    .map((call) => ({ linkedid: call.linkedid, status: call.call_status, extension: call.main_extension }));
}
