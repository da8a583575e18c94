import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { MODULES, REPOSITORY, WORK } from "./paths.ts";

const BINARY_PARTS = join(REPOSITORY, "agent/binary");

/** Where the binary goes other ways than the sources: its thread and its addon are inside it. */
const inBinary: Plugin = {
  name: "in-binary",
  setup(build) {
    build.onResolve({ filter: /^better-sqlite3$/ }, () => ({ path: join(BINARY_PARTS, "sqlite.ts") }));
    build.onResolve({ filter: /^better-sqlite3\/lib\/database\.js$/ }, () => {
      return { path: join(MODULES, "better-sqlite3/lib/database.js") };
    });
    build.onResolve({ filter: /\/notify\.ts$/ }, ({ importer }) => {
      return importer.startsWith(BINARY_PARTS) ? undefined : { path: join(BINARY_PARTS, "notify.ts") };
    });
    build.onResolve({ filter: /^\.\/thread\.ts$/ }, ({ resolveDir }) => {
      return resolveDir.endsWith("outbox") ? { path: join(BINARY_PARTS, "thread.ts") } : undefined;
    });
  },
};

/** The agent as one script, and its outbox thread as another. Returns both paths. */
export async function bundle(): Promise<{ main: string; thread: string }> {
  const main = join(WORK, "main.js");
  const thread = join(WORK, "outbox-thread.js");
  await Promise.all([script("agent/binary/main.ts", main), script("agent/outbox/worker.ts", thread)]);
  return { main, thread };
}

async function script(entry: string, outfile: string): Promise<void> {
  await build({
    absWorkingDir: REPOSITORY,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    minifySyntax: true,
    minifyWhitespace: true,
    charset: "utf8",
    legalComments: "none",
    define: { "import.meta.url": "undefined" },
    plugins: [inBinary],
    logLevel: "error",
  });
}
