import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SCENARIOS } from "../../support/captures.ts";
import { headerOf } from "../../support/pbx/capture.ts";
import { TestClient } from "../../support/pbx/client.ts";
import { randomFrom } from "../random.ts";
import { newJournal, type Journal } from "./journal.ts";
import { AMI_SECRET, AMI_USER, OraclePbx } from "./pbx.ts";
import { Player } from "./player.ts";
import { loadTemplates } from "./templates.ts";

const USER = { username: AMI_USER, secret: AMI_SECRET };
const templates = loadTemplates(join(SCENARIOS, "22"));
let journal: Journal;
let pbx: OraclePbx;
let player: Player;

beforeEach(async () => {
  journal = newJournal();
  let number = 0;
  const now = (): number => Date.now();
  pbx = new OraclePbx({ name: "pbx", journal, now, numbers: () => ++number });
  await pbx.open();
  const options = { pbx, journal, templates, now, eventsPerSecond: 300, base: 100 };
  player = new Player({ ...options, random: randomFrom(7) });
});
afterEach(async () => {
  player.stop();
  await pbx.close();
});

function numbersHeard(client: TestClient): number[] {
  return client.events.map((text) => Number(headerOf(`${text}\r\n`, "OracleNumber"))).filter((n) => n > 0);
}

test("every event a listener was given is in the journal under its session, and it reached the listener once, in order", async () => {
  player.playOne();
  const client = await TestClient.login(pbx.port, USER);
  const heardFrom = journal.told.length + 1;
  player.start();
  await sleep(1_500);
  player.stop();
  const last = journal.told.at(-1)!.number;
  await client.until(() => numbersHeard(client).includes(last));
  const given = journal.told.filter(({ session }) => session === 1).map(({ number }) => number);
  expect(given[0]).toBe(heardFrom);
  expect(given.length).toBeGreaterThan(100);
  expect(numbersHeard(client)).toEqual(given);
  client.close();
});

test("what happens between two listeners was given to nobody", async () => {
  const first = await TestClient.login(pbx.port, USER);
  player.playOne();
  pbx.dropListeners();
  player.playOne();
  const second = await TestClient.login(pbx.port, USER);
  player.playOne();
  const sessions = journal.calls.map(({ firstNumber }) => journal.told[firstNumber - 1]!.session);
  expect(sessions).toEqual([1, null, 2]);
  expect(journal.sessions[0]!.closedMono).toBeLessThanOrEqual(journal.sessions[1]!.openedMono);
  first.close();
  second.close();
});

test("two plays of one recorded call share no channel id", () => {
  const idsOfCall = (call: number): Set<string> =>
    new Set(
      journal.told.filter((told) => told.call === call).flatMap(({ text }) => text.match(/\b\d{10}\.\d+(?=\r)/g) ?? []),
    );
  for (let n = 1; n <= 40; n++) player.playOne();
  const stamps = (text: string): boolean => /^\d{10}\.\d{6}$/.test(text);
  const ids = journal.calls.map(({ call }) => [...idsOfCall(call)].filter((id) => !stamps(id)));
  expect(ids.every((set) => set.length > 0)).toBe(true);
  expect(new Set(ids.flat()).size).toBe(ids.flat().length);
});
