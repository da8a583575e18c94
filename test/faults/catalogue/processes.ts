import { pause } from "../stack/stack.ts";
import type { Fault } from "./fault.ts";

const agentKill: Fault = {
  name: "agent-kill",
  title: "kill -9 of the agent, started again at once or after a while",
  touches: ["agent"],
  inject: async ({ agent }, random, holdMs) => {
    await agent.kill();
    if (random.chance(0.5)) await pause(holdMs);
    agent.start();
    await pause(500);
  },
};

const agentRestart: Fault = {
  name: "agent-restart",
  title: "the agent is restarted as systemd does",
  touches: ["agent"],
  inject: async ({ agent }) => {
    await agent.end();
    agent.start();
    await pause(500);
  },
};

const agentStop: Fault = {
  name: "agent-stop",
  title: "SIGSTOP of the agent",
  touches: ["agent"],
  inject: async ({ agent }, _random, holdMs) => {
    const go = agent.stop();
    await pause(holdMs);
    go();
  },
};

const serverKill: Fault = {
  name: "server-kill",
  title: "kill -9 of the server the agent talks to",
  touches: ["server"],
  inject: async ({ servers, link }, random, holdMs) => {
    const index = random.int(servers.length);
    link.route = () => index;
    await pause(random.between(0, 300));
    await servers[index]!.kill();
    await pause(random.chance(0.5) ? holdMs : 0);
    await servers[index]!.start();
  },
};

const serverStop: Fault = {
  name: "server-stop",
  title: "SIGSTOP of the server the agent talks to",
  touches: ["server"],
  inject: async ({ servers, link }, random, holdMs) => {
    const index = random.int(servers.length);
    link.route = () => index;
    const go = servers[index]!.stop();
    await pause(holdMs);
    go();
  },
};

const serversMove: Fault = {
  name: "servers-move",
  title: "two servers on one database, each request to another one, one is killed meanwhile",
  touches: ["server"],
  cannot: ({ servers }) => (servers.length < 2 ? "it needs two servers" : null),
  inject: async ({ servers, link }, random, holdMs) => {
    let turn = 0;
    link.route = (count) => turn++ % count;
    await pause(holdMs / 2);
    const victim = random.int(servers.length);
    await servers[victim]!.kill();
    await pause(holdMs / 2);
    await servers[victim]!.start();
    link.route = () => 0;
  },
};

const postgresKill: Fault = {
  name: "postgres-kill",
  title: "kill -9 of PostgreSQL, every process of it",
  touches: ["database"],
  inject: async ({ database }, random) => {
    await pause(random.between(0, 300));
    database.kill();
    await pause(1_000);
    await database.query("SELECT 1");
  },
};

const postgresStop: Fault = {
  name: "postgres-stop",
  title: "SIGSTOP of every process of PostgreSQL",
  touches: ["database"],
  inject: async ({ database }, _random, holdMs) => {
    const go = database.stopAll();
    await pause(holdMs);
    go();
    await database.query("SELECT 1");
  },
};

const postgresRestart: Fault = {
  name: "postgres-restart",
  title: "PostgreSQL is restarted in the ordinary way",
  touches: ["database"],
  inject: async ({ database }) => {
    await database.restart();
    await database.query("SELECT 1");
  },
};

const databaseRestored: Fault = {
  name: "database-restored",
  title: "the database is put back to a backup made some time before, servers restarted",
  touches: ["database", "server"],
  inject: async (stack, _random, holdMs) => {
    const { database, servers, dir, restores } = stack;
    const copy = `${dir}/backup-${restores.length + 1}`;
    await database.backUp(copy);
    await pause(holdMs);
    for (const server of servers) await server.kill();
    await database.restore(copy);
    restores.push({ atMono: performance.now() });
    for (const server of servers) await server.start();
  },
};

const amiReset: Fault = {
  name: "ami-reset",
  title: "the PBX resets the AMI connection",
  touches: ["ami"],
  inject: async ({ pbx }) => {
    pbx.dropListeners();
    await pause(1_000);
  },
};

const amiClosed: Fault = {
  name: "ami-closed",
  title: "the PBX closes the AMI connection in the ordinary way",
  touches: ["ami"],
  inject: async ({ pbx }) => {
    pbx.endListeners();
    await pause(1_000);
  },
};

export const PROCESS_FAULTS: readonly Fault[] = [
  agentKill,
  agentRestart,
  agentStop,
  serverKill,
  serverStop,
  serversMove,
  postgresKill,
  postgresStop,
  postgresRestart,
  databaseRestored,
  amiReset,
  amiClosed,
];
