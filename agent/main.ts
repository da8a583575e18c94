import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { warmUp } from "./warm-up.ts";

// Compiled sources are kept beside the dependencies: stripping types anew at every start would cost 30 MB of memory.
// Threads take the folder from the environment.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../node_modules/.cache/ringpost", import.meta.url));
enableCompileCache(process.env["NODE_COMPILE_CACHE"]);
if (process.argv[2] === "run") warmUp(process.env["NODE_COMPILE_CACHE"]);
const { runCommandLine } = await import("./cli/command-line.ts");
process.exit(await runCommandLine(process.argv.slice(2)));
