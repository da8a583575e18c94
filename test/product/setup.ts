import { resolve } from "node:path";
import type { TestProject } from "vitest/node";
import { run } from "../asterisk/lab/command.ts";
import { whyNoSystemd } from "./debian/booted.ts";
import { bareRoot, whyNot } from "./roots.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Why the installed product cannot be tested here; null when it can. */
    productImpossible: string | null;
    /** Why systemd cannot be booted here; null when it can. */
    systemdImpossible: string | null;
  }
}

const BUILD = resolve(import.meta.dirname, "../../deploy/build/main.ts");

/** Builds the binary and the package, and the Debian root folders they are tried in. */
export default async function setup(project: TestProject): Promise<void> {
  const impossible = await whyNot();
  project.provide("productImpossible", impossible);
  if (impossible !== null) {
    project.provide("systemdImpossible", impossible);
    process.stdout.write(`The tests of the installed product are skipped: ${impossible}.\n`);
    return;
  }
  const [build] = await Promise.all([run(process.execPath, [BUILD]), bareRoot("11"), bareRoot("12")]);
  process.stdout.write(build.stdout);
  if (build.status !== 0) throw new Error(`the agent could not be built: ${build.stderr}`);
  const noSystemd = await whyNoSystemd();
  project.provide("systemdImpossible", noSystemd);
  if (noSystemd !== null) process.stdout.write(`The tests under a real systemd are skipped: ${noSystemd}\n`);
}
