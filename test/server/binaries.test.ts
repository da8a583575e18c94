import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { findBinaries, nativeFolder } from "../../server/store/embedded/binaries.ts";

test("PostgreSQL runs where npm was not allowed to run the script that links its libraries", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ringpost-binaries-"));
  try {
    const native = join(folder, "native");
    const list = JSON.parse(await readFile(join(nativeFolder(), "pg-symlinks.json"), "utf8")) as { target: string }[];
    const made = new Set(list.map(({ target }) => basename(target)));
    const filter = (file: string): boolean => !made.has(basename(file));
    await cp(nativeFolder(), native, { recursive: true, filter });
    const run = (binary: string, env: NodeJS.ProcessEnv): string =>
      execFileSync(binary, ["--version"], { env, stdio: "pipe" }).toString();
    const binaries = findBinaries(join(folder, "links"), native);
    expect(() => run(binaries.postgres, { PATH: "/usr/bin" })).toThrow(/shared libraries/);
    expect(run(binaries.postgres, binaries.env)).toContain("PostgreSQL");
    // A second start finds the folder of links there already.
    expect(run(binaries.initdb, findBinaries(join(folder, "links"), native).env)).toContain("PostgreSQL");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
