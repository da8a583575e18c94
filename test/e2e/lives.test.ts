import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { capture } from "../support/captures.ts";
import { agentStatus } from "../support/processes.ts";
import { untilFinal } from "./rows.ts";
import { openWorld, type Site, type World } from "./world.ts";

const NAME = "22/incoming_busy";
let world: World;

afterEach(() => world.close());

async function playAndWait(site: Site): Promise<void> {
  const play = await site.pbx.play(capture(NAME));
  await play.done;
}

async function statuses(site: Site): Promise<(string | null)[]> {
  const { rows } = await world.database.pool.query<{ call_status: string | null }>(
    "SELECT call_status FROM calls WHERE site_id = $1 ORDER BY id",
    [site.id],
  );
  return rows.map((row) => row.call_status);
}

describe("agent, server and PBX may come and go in any order", () => {
  it("an agent that starts before its server and its PBX tells the server what it heard meanwhile", async () => {
    world = await openWorld({ server: false });
    const site = await world.site({ start: false });
    await Promise.all([site.pbx.restart({ downMs: 1_000 }), site.startAgent()]);
    await playAndWait(site);
    expect(await statuses(site)).toEqual([]);
    await world.serverAgain();
    await untilFinal(world.database.pool, [site.id]);
    expect(await statuses(site)).toEqual(["busy"]);
  }, 60_000);

  it("agent and server survive each other's restart, and the PBX's", async () => {
    world = await openWorld();
    const site = await world.site();
    await playAndWait(site);
    expect(await world.server.stop()).toEqual({ code: 0, signal: null });
    await playAndWait(site);
    await world.serverAgain();
    await playAndWait(site);
    await expect.poll(() => statuses(site), { timeout: 20_000 }).toEqual(Array(3).fill("busy"));
    expect(await site.agent!.stop()).toEqual({ code: 0, signal: null });
    await site.startAgent();
    await playAndWait(site);
    await expect.poll(() => statuses(site), { timeout: 20_000 }).toEqual(Array(4).fill("busy"));
    await site.pbx.restart({ downMs: 200 });
    await site.pbx.clientReady();
    await playAndWait(site);
    await expect.poll(() => statuses(site), { timeout: 20_000 }).toEqual(Array(5).fill("busy"));
    await untilFinal(world.database.pool, [site.id]);
  }, 90_000);
});

describe("an AMI that cannot be used", () => {
  it("a wrong password is told in the agent's status in plain words, and tried again until it works", async () => {
    world = await openWorld();
    const site = await world.site({ start: false });
    site.pbx.refuseLogins(true);
    const started = site.startAgent();
    started.catch(() => {}); // told by the expectation that waits for it
    await expect.poll(() => amiOf(site), { timeout: 20_000 }).toMatchObject({ state: "refused" });
    const { problem } = await amiOf(site);
    expect(problem).toMatch(/secret|password/i);
    expect(problem).not.toContain("stand-in");
    expect(site.agent!.output).not.toContain('"stand-in"');
    site.pbx.refuseLogins(false);
    await started;
    await expect.poll(() => amiOf(site), { timeout: 10_000 }).toMatchObject({ state: "connected", problem: null });
  }, 90_000);

  it.each(["http", "garbage", "silence"] as const)(
    "a port where %s answers instead of AMI is told in plain words, and tried again until it works",
    async (answer) => {
      world = await openWorld();
      const site = await world.site({ start: false });
      site.pbx.answerAs(answer);
      const started = site.startAgent();
      started.catch(() => {});
      started.catch(() => {}); // told by the expectation that waits for it
      await expect.poll(async () => (await amiOf(site)).problem, { timeout: 30_000 }).toMatch(/manager port|AMI/);
      site.pbx.answerAs("ami");
      await started;
      await expect.poll(() => amiOf(site), { timeout: 10_000 }).toMatchObject({ state: "connected", problem: null });
    },
    120_000,
  );
});

async function amiOf(site: Site): Promise<{ state: string; problem: string | null }> {
  for (;;) {
    const status = await agentStatus(site.configPath).catch(() => null);
    if (status !== null) return { state: status.ami.state, problem: status.ami.problem };
    await sleep(200);
  }
}
