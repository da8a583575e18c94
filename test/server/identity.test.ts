import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT, server, startServer } from "./command.ts";

const NOBODY = 65_534;
const asRoot = process.getuid?.() === 0;
/** A checkout under root's home cannot be read by anybody else; then there is nothing to test here. */
const reachable =
  asRoot && spawnSync(process.execPath, ["--version"], { uid: NOBODY, gid: NOBODY, cwd: "/" }).status === 0;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ringpost-identity-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.skipIf(!reachable)(
  "an ordinary user can start, restart and use the server, and root can go on with that user's folder",
  async () => {
    await chown(folder, NOBODY, NOBODY);
    const env = { RINGPOST_DATA_DIR: join(folder, "data"), HOME: folder };
    const running = await startServer({ env, uid: NOBODY });
    const added = await server(["enterprise", "add", "1", "--name", "n", "--token", "t"], { env, uid: NOBODY });
    expect(added).toMatchObject({ status: 0, err: "" });
    expect(await running.end("SIGTERM")).toBe(0);
    const byRoot = await server(["enterprise", "list"], { env });
    expect(byRoot).toMatchObject({ status: 0, err: "" });
    expect((await stat(join(folder, "data/postgres/PG_VERSION"))).uid).toBe(NOBODY);
    expect(await server(["enterprise", "list"], { env, uid: NOBODY })).toMatchObject({ status: 0, err: "" });
  },
);

test.skipIf(!asRoot)("a folder of root's is refused to an ordinary user in plain words", async () => {
  const env = { RINGPOST_DATA_DIR: join(folder, "data") };
  expect(await server(["enterprise", "list"], { env })).toMatchObject({ status: 0 });
  if (!reachable) return;
  const refused = await server(["enterprise", "list"], { env, uid: NOBODY });
  expect(refused).toMatchObject({ status: 1, out: "" });
  expect(refused.err).toMatch(/cannot use the data folder .*Start Ringpost as the user the folder belongs to/);
});

test.skipIf(!reachable)("root without user namespaces runs PostgreSQL as a user that exists already", async () => {
  const env = { RINGPOST_DATA_DIR: join(folder, "open/data"), PATH: join(ROOT, "no-unshare-here") };
  await mkdir(join(folder, "open"));
  await chmod(folder, 0o755);
  const outcome = await server(["enterprise", "list"], { env });
  expect(outcome).toMatchObject({ status: 0, err: "" });
  expect((await stat(join(folder, "open/data/postgres"))).uid).not.toBe(0);
});

test.skipIf(!asRoot)(
  "root without user namespaces is told what to do when that user cannot reach the folder",
  async () => {
    const env = { RINGPOST_DATA_DIR: join(folder, "data"), PATH: join(ROOT, "no-unshare-here") };
    const outcome = await server(["enterprise", "list"], { env });
    expect(outcome).toMatchObject({ status: 1, out: "" });
    expect(outcome.err).toMatch(/must be able to reach .*DATABASE_URL/);
  },
);
