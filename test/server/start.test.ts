import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findBinaries } from "../../server/store/embedded/binaries.ts";
import { chooseIdentity, commandFor } from "../../server/store/embedded/identity.ts";
import { testDatabase } from "../support/postgres.ts";
import { server, spawnServer, startServer, type Running } from "./command.ts";

let folder: string;
let env: Record<string, string>;
let started: Running[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ringpost-start-"));
  env = { RINGPOST_DATA_DIR: join(folder, "data") };
  started = [];
});

afterEach(async () => {
  for (const { process: child, end } of started)
    if (child.exitCode === null && child.signalCode === null) await end("SIGTERM");
  await rm(folder, { recursive: true, force: true });
});

async function start(extra: Record<string, string> = {}): Promise<Running> {
  const running = await startServer({ env: { ...env, ...extra } });
  started.push(running);
  return running;
}

async function postmaster(): Promise<number> {
  return Number((await readFile(join(folder, "data/postgres/postmaster.pid"), "utf8")).split("\n")[0]);
}

async function untilGone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("start prints where it listens and a connection string any client can use, and SIGTERM leaves nothing behind", async () => {
  const running = await start();
  expect(running.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(running.address)).status).toBeLessThan(500);
  const client = new pg.Client({ connectionString: running.databaseUrl });
  await client.connect();
  expect((await client.query("SELECT count(*)::int AS n FROM calls")).rows).toEqual([{ n: 0 }]);
  await client.end();

  const pid = await postmaster();
  const startedAt = performance.now();
  expect(await running.end("SIGTERM")).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

test("the data folder and what holds the password are closed to others", async () => {
  await server(["enterprise", "list"], { env });
  expect((await stat(join(folder, "data"))).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, "data/postgres"))).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, "data/database.json"))).mode & 0o777).toBe(0o600);
});

test("what was added before the first start is there after it, after a restart and on the same port", async () => {
  expect(await server(["enterprise", "add", "0367", "--name", "A", "--token", "t"], { env })).toMatchObject({
    status: 0,
  });
  const first = await start();
  expect(await first.end("SIGINT")).toBe(0);
  const second = await start();
  expect(second.databaseUrl).toBe(first.databaseUrl);
  expect((await server(["enterprise", "list"], { env })).out).toContain("0367");
});

test("after kill -9 of the server the next start has everything, and no old PostgreSQL in its way", async () => {
  const first = await start();
  await server(["enterprise", "add", "0367", "--name", "A", "--token", "t"], { env });
  const old = await postmaster();
  expect(await first.end("SIGKILL")).toBe(null);
  const second = await start();
  expect(await postmaster()).not.toBe(old);
  await untilGone(old);
  expect((await server(["enterprise", "list"], { env })).out).toContain("0367");
  expect(await second.end("SIGTERM")).toBe(0);
});

test("a PostgreSQL killed under a running server is started again on the same port", async () => {
  const running = await start();
  const pid = await postmaster();
  process.kill(pid, "SIGKILL");
  const client = async (): Promise<void> => {
    const one = new pg.Client({ connectionString: running.databaseUrl });
    await one.connect();
    await one.end();
  };
  await untilGone(pid);
  await expect
    .poll(
      () =>
        client().then(
          () => "up",
          () => "down",
        ),
      { timeout: 10_000 },
    )
    .toBe("up");
  expect(await postmaster()).not.toBe(pid);
  expect(await running.end("SIGTERM")).toBe(0);
});

test("a second server on the same data folder is refused in plain words while the first goes on", async () => {
  const first = await start();
  const second = await server(["start", "--port", "0"], { env });
  expect(second).toMatchObject({ status: 1, out: "" });
  expect(second.err).toContain(`another Ringpost server (pid ${first.process.pid}) runs on the data folder`);
  expect((await fetch(first.address)).status).toBeLessThan(500);
});

test("commands and a start at the same moment wait for each other", async () => {
  const commands = [1, 2, 3].map((id) =>
    server(["enterprise", "add", String(id), "--name", "n", "--token", "t"], { env }),
  );
  const running = start();
  for (const outcome of await Promise.all(commands)) expect(outcome).toMatchObject({ status: 0, err: "" });
  expect(await (await running).end("SIGTERM")).toBe(0);
  const listed = await server(["enterprise", "list", "--json"], { env });
  expect((JSON.parse(listed.out) as { id: string }[]).map(({ id }) => id)).toEqual(["1", "2", "3"]);
});

test("with DATABASE_URL nothing is kept in a folder, and the password is not printed", async () => {
  const database = await testDatabase();
  try {
    const running = await start({ DATABASE_URL: database.url });
    expect(running.output.out).toMatch(/^database DATABASE_URL \(127\.0\.0\.1:\d+\/test_\w+\)$/m);
    expect(running.output.out + running.output.err).not.toContain(new URL(database.url).password);
    expect(existsSync(env["RINGPOST_DATA_DIR"] ?? "")).toBe(false);
    expect(await running.end("SIGTERM")).toBe(0);
  } finally {
    await database.drop();
  }
});

test("a port in use is told in plain words, and the database is stopped again", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as AddressInfo;
  const outcome = await server(["start", "--port", String(port)], { env });
  await new Promise((resolve) => other.close(resolve));
  expect(outcome).toMatchObject({ status: 1, out: "" });
  expect(outcome.err).toContain(`cannot listen (127.0.0.1:${port}): another program uses this port`);
  expect(existsSync(join(folder, "data/postgres/postmaster.pid"))).toBe(false);
});

test("wrong settings end with status 78 before anything is made", async () => {
  const outcome = await server(["start"], { env: { ...env, RINGPOST_PORT: "abc", RINGPOST_PROT: "1" } });
  expect(outcome).toMatchObject({ status: 78, out: "" });
  expect(outcome.err).toContain('RINGPOST_PORT: found "abc"; allowed: a number from 0 to 65535');
  expect(outcome.err).toContain("RINGPOST_PROT");
  expect(existsSync(env["RINGPOST_DATA_DIR"] ?? "")).toBe(false);
});

test("a PostgreSQL that a killed server left running in the folder is stopped, and its data is there", async () => {
  await server(["enterprise", "add", "0367", "--name", "A", "--token", "t"], { env });
  const cluster = join(folder, "data/postgres");
  const binaries = findBinaries(join(folder, "links"));
  const argv = [binaries.postgres, "-D", cluster, "-c", "listen_addresses=", "-c", `unix_socket_directories=${folder}`];
  const [command, ...args] = commandFor(await chooseIdentity(cluster), argv, false) as [string, ...string[]];
  const left = spawn(command, args, { env: binaries.env, cwd: "/", stdio: "ignore", detached: true });
  await expect.poll(() => existsSync(join(cluster, "postmaster.pid")), { timeout: 10_000 }).toBe(true);
  expect((await server(["enterprise", "list"], { env })).out).toContain("0367");
  await expect.poll(() => left.exitCode, { timeout: 5_000 }).toBe(0);
});

test("a pid file whose number another program has by now does not stop a start", async () => {
  await server(["enterprise", "list"], { env });
  await writeFile(
    join(folder, "data/postgres/postmaster.pid"),
    `${process.pid}\n${folder}/data/postgres\n0\n1\n\n127.0.0.1\n0 0\nready\n`,
  );
  expect(await server(["enterprise", "list"], { env })).toMatchObject({ status: 0, err: "" });
});

test("Ctrl-C ends a command at once, also in the middle of a statement, and its PostgreSQL with it", async () => {
  const child = spawnServer(["sql", "SELECT pg_sleep(60)"], { env });
  await expect.poll(() => existsSync(join(folder, "data/postgres/postmaster.pid")), { timeout: 10_000 }).toBe(true);
  const pid = await postmaster();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  child.kill("SIGINT");
  await expect.poll(() => child.exitCode, { timeout: 2_000 }).toBe(130);
  await untilGone(pid);
});

test("following calls without a server says how to start one", async () => {
  const outcome = await server(["calls", "--follow"], { env });
  expect(outcome).toMatchObject({ status: 1, out: "" });
  expect(outcome.err).toContain("no server runs on this data folder");
});
