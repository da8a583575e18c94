import { expect, it } from "vitest";
import type { SiteStatus } from "../store/readStatus.ts";
import { readDrain } from "./drain.ts";

const sites = (...waiting: number[]) =>
  waiting.map((events, site) => ({ site, backlog: { waiting: events, oldest_seq: 1, missing: 0 } })) as SiteStatus[];

it("tells how long a backlog still takes from how much it shrank, and nothing of one that does not", async () => {
  const drain = await readDrain(sites(100_000, 5_000, 10), async () => sites(98_000, 5_200, 0));
  expect([...drain.keys()]).toEqual([0, 1]);
  expect(drain.get(0)).toBeGreaterThan(95);
  expect(drain.get(0)).toBeLessThan(120);
  expect(drain.get(1)).toBeNull();
});

it("does not look twice when nothing waits", async () => {
  const never = (): never => {
    throw new Error("looked again");
  };
  expect((await readDrain(sites(0, 499), never)).size).toBe(0);
});
