import type { Client } from "pg";
import { pause } from "../stack/stack.ts";
import type { Fault } from "./fault.ts";

const DAY_MS = 86_400_000;

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

const commitLost: Fault = {
  name: "commit-lost",
  title: "PostgreSQL commits and its answers are lost: the servers cannot know",
  touches: ["server", "database"],
  inject: async ({ databaseLink }, random, holdMs) => {
    for (let left = holdMs; left > 0;) {
      databaseLink.answersLost = true;
      await pause(random.between(20, 200));
      databaseLink.answersLost = false;
      const calmMs = random.between(100, 600);
      await pause(calmMs);
      left -= calmMs;
    }
  },
};

const postgresReadOnly: Fault = {
  name: "postgres-read-only",
  title: "PostgreSQL takes nothing, as a standby does after a failover",
  touches: ["database"],
  inject: async ({ database }, _random, holdMs) => {
    const client = await database.connect("-c default_transaction_read_only=off");
    await client.query("ALTER SYSTEM SET default_transaction_read_only = on");
    await client.query("SELECT pg_reload_conf()");
    await pause(holdMs);
    await client.query("ALTER SYSTEM RESET default_transaction_read_only");
    await client.query("SELECT pg_reload_conf()");
    await client.end();
  },
};

const postgresCrowded: Fault = {
  name: "postgres-crowded",
  title: "others take every connection PostgreSQL has, and the servers lose theirs",
  touches: ["server", "database"],
  inject: async ({ database }, _random, holdMs) => {
    const crowd: Client[] = [];
    const first = await database.connect();
    const dismiss = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ringpost%'";
    const endAt = performance.now() + holdMs;
    while (performance.now() < endAt) {
      await first.query(dismiss);
      const more = await Promise.allSettled(Array.from({ length: 40 }, () => database.connect()));
      crowd.push(...more.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
      await pause(100);
    }
    await Promise.all([first, ...crowd].map((client) => client.end()));
  },
};

const serverClock: Fault = {
  name: "server-clock",
  title: "the servers' clock is wrong by a day, ahead or behind",
  touches: ["server"],
  cannot: ({ serverMachine }) => (serverMachine === null ? "it needs a C compiler (cc)" : null),
  inject: async ({ serverMachine }, random, holdMs) => {
    serverMachine!.setClockOffset(random.pick([1, -1]) * DAY_MS);
    await pause(holdMs);
    serverMachine!.setClockOffset(0);
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
  postgresReadOnly,
  postgresCrowded,
  commitLost,
  serverClock,
  databaseRestored,
  amiReset,
  amiClosed,
];
