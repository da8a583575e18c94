import { runCommandLine } from "../cli/command-line.ts";

// The entry of the binary: as agent/main.ts, without the cache of compiled sources that it does not need.
void runCommandLine(process.argv.slice(2)).then((exitStatus) => process.exit(exitStatus));
