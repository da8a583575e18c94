import type { TestProject } from "vitest/node";
import { labPaths } from "./lab/paths.ts";
import { down, up } from "./lab/pbx.ts";
import { whyNot } from "./lab/prerequisites.ts";
import { RELEASES } from "./lab/releases.ts";
import { readState } from "./lab/state.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Why the PBXs cannot run on this machine; null when they do. */
    labImpossible: string | null;
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Builds and starts both PBXs before the suite; stops those it started. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const impossible = await whyNot();
  project.provide("labImpossible", impossible);
  if (impossible !== null) {
    say(`The real-PBX tests are skipped: ${impossible}.`);
    return () => Promise.resolve();
  }
  const states = await Promise.all(RELEASES.map((release) => readState(labPaths(release))));
  const mine = RELEASES.filter((_, index) => states[index] === null);
  await Promise.all(RELEASES.map((release) => up(release, { timestamps: false, say })));
  return async () => {
    await Promise.all(mine.map((release) => down(release)));
  };
}
