import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askStatus } from "../../agent/control/ask.ts";
import { buildApp } from "../../server/http/app.ts";
import { addEnterprise } from "../../server/store/addEnterprise.ts";
import { addSite } from "../../server/store/addSite.ts";
import { rotateSiteKey } from "../../server/store/rotateSiteKey.ts";
import { createLogger } from "../../shared/log.ts";
import { FakeAmi } from "../agent/fake-ami.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";

const MAIN = join(import.meta.dirname, "../../agent/main.ts");
const TLS = join(import.meta.dirname, "tls");
const CERTIFICATE = join(TLS, "server.pem");

let folder: string;
let database: TestDatabase;
let server: FastifyInstance;
let tls: Server;
let url: string;
let secureUrl: string;
let site: number;
let key: string;
let ami: FakeAmi;
const agents: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringpost-trust-"));
  database = await testDatabase();
  server = buildApp({ pool: database.pool, log: createLogger({ name: "test", level: "silent" }) });
  url = await server.listen({ host: "127.0.0.1", port: 0 });
  // TLS ends in front of the server, as with a reverse proxy.
  tls = createServer(
    { key: readFileSync(join(TLS, "server.key")), cert: readFileSync(CERTIFICATE) },
    (request, response) => {
      server.routing(request, response);
    },
  );
  await new Promise<void>((done) => tls.listen(0, "127.0.0.1", done));
  secureUrl = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`;
  await addEnterprise(database.pool, { id: "1", name: "T", token: "t", timezone: "UTC", extensions: null, trunks: [] });
  const added = await addSite(database.pool, { enterpriseId: "1", host: "pbx", name: "PBX" });
  [site, key] = "key" in added ? [added.site, added.key] : [0, ""];
  ami = await FakeAmi.start();
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map(stop));
  await ami.stop();
  tls.closeAllConnections();
  await new Promise((done) => tls.close(done));
  await server.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const outbox = () => join(folder, "outbox.db");

function start(serverUrl: string, more = ""): ChildProcess {
  const config = join(folder, "agent.toml");
  writeFileSync(
    config,
    `[server]\nurl = "${serverUrl}"\nkey = "${key}"\n${more}[ami]\nport = ${ami.port}\nusername = "a"\nsecret = "s"\n[outbox]\npath = "${outbox()}"\n`,
    { mode: 0o600 },
  );
  const agent = spawn(process.execPath, [MAIN, "run", "--config", config], { stdio: "ignore" });
  agents.push(agent);
  return agent;
}

async function stop(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null) return;
  agent.kill("SIGTERM");
  await once(agent, "exit");
}

const link = async () => (await askStatus(outbox()))?.server;
const linkIs = (state: string) => expect.poll(async () => (await link())?.state, { timeout: 15_000 }).toBe(state);

describe("the server's certificate", () => {
  it("is verified: an unknown authority gets neither events nor key, and the status names it", async () => {
    start(secureUrl);
    await linkIs("unreachable");
    expect((await link())?.problem).toMatch(/self.signed certificate/i);
    const { rows } = await database.pool.query("SELECT count(*)::int AS n FROM streams");
    expect(rows).toEqual([{ n: 0 }]);
  });

  it("is trusted when its authority's file is in the settings", async () => {
    start(secureUrl, `ca_file = "${CERTIFICATE}"\n`);
    await linkIs("ok");
    expect((await link())?.problem).toBeNull();
  });

  it("is not asked of an authority's file that cannot be read: status 78 names the setting", async () => {
    const agent = start(secureUrl, `ca_file = "${join(folder, "none.pem")}"\n`);
    expect(await once(agent, "exit")).toEqual([78, null]);
  });
});

describe("a key that is rotated while the agent runs", () => {
  it("is replaced by the agent alone, before and after a restart, and never lies open", async () => {
    await rotateSiteKey(database.pool, site, 1);
    const first = start(url);
    await expect
      .poll(() => statSync(`${outbox()}.key`, { throwIfNoEntry: false })?.mode, { timeout: 15_000 })
      .toBe(0o100600);
    expect(readFileSync(`${outbox()}.key`, "utf8")).not.toContain(key);
    await database.pool.query("UPDATE site_keys SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL");
    await stop(first);
    start(url);
    await linkIs("ok");
  }, 40_000);
});
