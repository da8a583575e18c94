import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ListedGap } from "../../server/store/listGaps.ts";
import { openWorld, type Site, type World } from "../e2e/world.ts";
import { server as command } from "../server/command.ts";

let world: World;
let site: Site;
beforeEach(async () => {
  world = await openWorld();
  site = await world.site();
});
afterEach(() => world.close());

type Printed = Omit<ListedGap, "from_time" | "to_time"> & { from_time: string; to_time: string | null };

async function gaps(): Promise<Printed[]> {
  const { status, out, err } = await command(["gaps", "--json"], { env: { DATABASE_URL: world.database.url } });
  expect({ status, err }).toEqual({ status: 0, err: "" });
  return JSON.parse(out) as Printed[];
}
const causes = async () => (await gaps()).map(({ cause, to_time }) => `${cause}${to_time === null ? " still" : ""}`);
const become = (expected: string[]) => expect.poll(causes, { timeout: 20_000, interval: 300 }).toEqual(expected);

it("whatever blinds a real agent is a gap with its own cause, open while it lasts, closed when it is over", async () => {
  const { pbx } = site;
  expect(await gaps()).toEqual([]);

  await site.agent?.kill();
  const killedAt = Date.now();
  await sleep(1_500);
  await site.startAgent();
  const backAt = Date.now();
  await become(["agent_down"]);
  const [down] = await gaps();
  expect(Math.abs(Date.parse(down!.from_time) - killedAt)).toBeLessThan(11_000);
  expect(Date.parse(down!.from_time)).toBeLessThanOrEqual(killedAt);
  expect(Date.parse(down!.to_time!)).toBeGreaterThanOrEqual(killedAt + 1_500);
  expect(Date.parse(down!.to_time!)).toBeLessThanOrEqual(backAt);

  pbx.dropClients("reset");
  await become(["agent_down", "ami_lost"]);

  pbx.refuseLogins(true);
  pbx.dropClients("reset");
  await become(["agent_down", "ami_lost", "ami_lost still", "rights_missing still"]);
  expect((await gaps()).at(-1)?.detail).toContain("refused the login");
  pbx.refuseLogins(false);
  await become(["agent_down", "ami_lost", "ami_lost", "rights_missing"]);
  const [, , before, refused] = await gaps();
  expect(before!.to_time).toBe(refused!.from_time);

  await pbx.restart({ downMs: 1_000 });
  const soFar = ["agent_down", "ami_lost", "ami_lost", "rights_missing"];
  await become([...soFar, "asterisk_restarted"]);

  pbx.send({ Event: "Shutdown", Privilege: "system,all", Shutdown: "Cleanly", Restart: "False" });
  await pbx.restart({ downMs: 1_500 });
  await become([...soFar, "asterisk_restarted", "asterisk_down"]);

  await site.agent?.stop();
  await become([...soFar, "asterisk_restarted", "asterisk_down", "agent_down still"]);
  await site.startAgent();
  await become([...soFar, "asterisk_restarted", "asterisk_down", "agent_down"]);
}, 120_000);
