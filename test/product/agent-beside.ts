import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { arch, platform, release, tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { buildApp } from "../../server/http/app.ts";
import { addEnterprise } from "../../server/store/addEnterprise.ts";
import { addSite } from "../../server/store/addSite.ts";
import { createLogger } from "../../shared/log.ts";
import { FakeAmi, type FakeClient } from "../agent/fake-ami.ts";
import { testDatabase, type TestDatabase } from "../support/postgres.ts";
import { onTerminal } from "./terminal.ts";

/** The agent from its sources. */
export const AGENT = [process.execPath, join(import.meta.dirname, "../../agent/main.ts")] as const;
export const PHONE = "380671234567";
export const AMI_SECRET = "secretOfAmi";
const TRIES_MAX = 50;

/** A command of the agent on a terminal, with no settings but those it is given. */
export function agentOnTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}, columns?: number) {
  return onTerminal([...AGENT, ...args], { TZ: "UTC", ...env }, columns);
}

/**
 * An agent that runs beside a PBX and has told a server of one call, and whoever sits at its machine: what the
 * commands show of a site where all is well.
 */
export class AgentBeside {
  readonly folder = mkdtempSync(join(tmpdir(), "ringpost-cli-"));
  readonly config = join(this.folder, "agent.toml");
  /** A root folder with Asterisk's settings, and one with what an installed agent has left. */
  readonly pbxRoot = join(this.folder, "pbx");
  readonly bareRoot = join(this.folder, "bare");
  #database!: TestDatabase;
  #server!: FastifyInstance;
  #url = "";
  #key = "";
  #ami!: FakeAmi;
  #client!: FakeClient;
  #agent!: ChildProcess;

  /** Resolves when the call has been told. */
  static async start(): Promise<AgentBeside> {
    const beside = new AgentBeside();
    await beside.#start();
    return beside;
  }

  async #start(): Promise<void> {
    this.#database = await testDatabase();
    const { pool } = this.#database;
    this.#server = buildApp({ pool, log: createLogger({ name: "test", level: "silent" }) });
    this.#url = await this.#server.listen({ host: "127.0.0.1", port: 0 });
    await addEnterprise(pool, { id: "1", name: "T", token: "t", timezone: "UTC", extensions: null, trunks: [] });
    const site = await addSite(pool, { enterpriseId: "1", host: "pbx", name: "PBX" });
    this.#key = "key" in site ? site.key : "";
    this.#ami = await FakeAmi.start({
      answer: ({ Action }) => (Action === "Ping" ? ["Response: Success", "Ping: Pong"] : undefined),
    });
    writeFileSync(this.config, this.settings(), { mode: 0o600 });
    this.#putRoots();
    const [node, ...main] = AGENT;
    const log = openSync(join(this.folder, "agent.log"), "w");
    this.#agent = spawn(node, [...main, "run", "--config", this.config], { stdio: ["ignore", "ignore", log] });
    closeSync(log);
    this.#client = await this.#ami.ready();
    this.playCall();
    await until(async () => (await this.json("calls"))[0]?.ended_at > 0);
    await until(async () => (await this.json("status")).outbox.waiting === 0);
  }

  /** The site's key, which nothing may show. */
  get key(): string {
    return this.#key;
  }

  /** The agent's settings file, with more at its end. */
  settings(more = ""): string {
    return [
      `[server]\nurl = "${this.#url}"\nkey = "${this.#key}"`,
      `[ami]\nport = ${this.#ami.port}\nusername = "ringpost"\nsecret = "${AMI_SECRET}"`,
      `[outbox]\npath = "${join(this.folder, "outbox.db")}"`,
      `[recover]\nroot = "${this.pbxRoot}"\n${more}`,
    ].join("\n");
  }

  /** A call that comes in, is answered and ends. */
  playCall(): void {
    const ids = (id: string) => [`Uniqueid: ${id}`, "Linkedid: 1.1"];
    const client = this.#client;
    client.say(["Event: Newchannel", "Channel: PJSIP/trunk-a-1", `CallerIDNum: ${PHONE}`, "Exten: 100", ...ids("1.1")]);
    client.say(["Event: Newchannel", "Channel: PJSIP/150-2", "CallerIDNum: 150", ...ids("1.2")]);
    client.say(["Event: BridgeEnter", "Channel: PJSIP/150-2", "BridgeNumChannels: 2", ...ids("1.2")]);
    client.say(["Event: Hangup", "Channel: PJSIP/trunk-a-1", "Cause: 16", ...ids("1.1")]);
    client.say(["Event: Hangup", "Channel: PJSIP/150-2", "Cause: 16", ...ids("1.2")]);
  }

  /** A command with this agent's settings. */
  terminal(args: readonly string[], lang = "en", env: NodeJS.ProcessEnv = {}, columns?: number) {
    return agentOnTerminal([...args, "--config", this.config, "--lang", lang], env, columns);
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- what the contract is, the tests say field by field
  async json(...args: string[]): Promise<any> {
    const { text } = await this.terminal([...args, "--json"]);
    return JSON.parse(text);
  }

  /** A command whose output a program reads: the process, and what it has written so far. */
  piped(...args: string[]): { process: ChildProcess; text: () => string } {
    const [node, ...main] = AGENT;
    const child = spawn(node, [...main, ...args, "--config", this.config], { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    return { process: child, text: () => text };
  }

  /** What differs from run to run on a screen, and the word that stands for it. */
  names(): Record<string, string> {
    const { port } = this.#ami;
    return {
      [this.folder]: "FOLDER",
      [this.#url]: "SERVER",
      [`:${port}`]: ":PORT",
      [`port = ${port}`]: "port = PORT",
      [String(process.pid)]: "PID",
      [`${platform()} ${release()} ${arch()}`]: "SYSTEM",
      [process.versions.node]: "NODE",
    };
  }

  async stopAgent(): Promise<void> {
    if (this.#agent.exitCode !== null) return;
    this.#agent.kill("SIGTERM");
    await once(this.#agent, "exit");
  }

  async stop(): Promise<void> {
    await this.stopAgent();
    await this.#ami.stop();
    await this.#server.close();
    await this.#database.drop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #putRoots(): void {
    for (const path of ["etc/asterisk", "var/log/asterisk/cdr-csv"])
      mkdirSync(join(this.pbxRoot, path), { recursive: true });
    const conf = `[general]\nenabled = yes\nport = ${this.#ami.port}\nbindaddr = 0.0.0.0\n[ringpost]\nsecret = s\n`;
    writeFileSync(join(this.pbxRoot, "etc/asterisk/manager.conf"), conf);
    writeFileSync(join(this.pbxRoot, "var/log/asterisk/cdr-csv/Master.csv"), "");
    for (const path of ["etc/asterisk", "etc/ringpost"]) mkdirSync(join(this.bareRoot, path), { recursive: true });
    writeFileSync(join(this.bareRoot, "etc/asterisk/manager.conf"), "[general]\nenabled = no\n");
    const include = { file: "/etc/asterisk/manager.conf", line: "#include ringpost-manager.conf", newline: false };
    const added = {
      files: ["/etc/asterisk/ringpost-manager.conf"],
      folders: [join(this.bareRoot, "etc/ringpost")],
      lines: [include],
      user: true,
    };
    writeFileSync(join(this.bareRoot, "etc/ringpost/installed.json"), JSON.stringify(added));
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) if (tries > TRIES_MAX) throw new Error("waited in vain for the agent");
}
