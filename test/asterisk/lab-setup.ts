import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildAddon } from "../../deploy/build/addon.ts";
import { bundle } from "../../deploy/build/bundle.ts";
import { WORK } from "../../deploy/build/paths.ts";
import { makeBinary } from "../../deploy/build/sea.ts";
import { messageOf } from "../../shared/errors.ts";
import { labPaths } from "./lab/paths.ts";
import { down, up } from "./lab/pbx.ts";
import { whyNot } from "./lab/prerequisites.ts";
import { RELEASES } from "./lab/releases.ts";
import { readState } from "./lab/state.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Why the PBXs cannot run on this machine; null when they do. */
    labImpossible: string | null;
    /** The agent's binary; null when this machine cannot build it. */
    agentBinary: string | null;
  }
}

const LAB_BINARY = join(WORK, "ringpost-agent-lab");
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function agentBinary(): Promise<string | null> {
  try {
    await mkdir(WORK, { recursive: true });
    await makeBinary({ ...(await bundle()), addon: await buildAddon(say) }, LAB_BINARY);
    return LAB_BINARY;
  } catch (error) {
    say(`The tests of \`install\` beside a real Asterisk are skipped: ${messageOf(error)}`);
    return null;
  }
}

/** Builds and starts both PBXs before the suite; stops those it started. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const impossible = await whyNot();
  project.provide("labImpossible", impossible);
  project.provide("agentBinary", impossible === null ? await agentBinary() : null);
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
