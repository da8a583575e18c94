import { afterAll, beforeAll, expect, it } from "vitest";
import { setEnterprise } from "../../server/store/setEnterprise.ts";
import { Script } from "../support/script.ts";
import { heartbeat, openOffice, send, type Office } from "../ingest/office.ts";
import { rebuildNow } from "./office.ts";

let office: Office;

beforeAll(async () => {
  office = await openOffice();
});
afterAll(() => office.close());

/** A provider's trunk that the PBX calls by a number, and a phone it calls by a name: nobody could guess that. */
function misleading(): Script {
  const pbx = new Script();
  const caller = pbx.arrives("PJSIP/201-00000001", { context: "lines", number: "0501112233", exten: "0443000150" });
  const phone = pbx.made("PJSIP/reception-00000002", { of: caller, context: "lines" });
  pbx.dials(caller, phone, "reception").wait(3).answers(caller, phone).joins("b", phone, caller);
  return pbx.wait(8).hangsUp(caller).leaves("b", caller, phone).gone(16, caller, phone);
}

const ROW = "SELECT call_type, trunk, main_extension, call_status, extra_data -> 'directory' AS directory FROM calls";

it("a wrong guess is stated in extra_data.directory; told by the company, rebuild sets the past right", async () => {
  const site = await office.site("0367", "10.0.0.1");
  await setEnterprise(office.db.pool, "0367", { extensions: null, trunks: [] });
  const stream = crypto.randomUUID();
  const server = await office.server();
  const { events } = misleading();
  await send(server, site, events, { stream });
  await heartbeat(server, site, { stream, oldestUnacked: null, highestSeq: events.length });
  const [guessed] = await office.rows(ROW);
  expect(guessed).toMatchObject({
    directory: { guessed: true, extensions: expect.arrayContaining(["201"]) as string[] },
  });
  expect(guessed!["call_type"]).not.toBe("incoming");

  await setEnterprise(office.db.pool, "0367", { extensions: "^reception$", trunks: ["201"] });
  const [change] = (await rebuildNow(office)).changes;
  expect(change!.fields.map(({ field }) => field)).toEqual(
    expect.arrayContaining(["call_type", "trunk", "extra_data.directory"]),
  );
  const told = { call_type: "incoming", trunk: "201", main_extension: "reception", call_status: "answered" };
  expect(await office.rows(ROW)).toEqual([{ ...told, directory: null }]);
});

it("a final call whose end nothing shows any more stays as it is, with the events it keeps", async () => {
  await office.rows("TRUNCATE ami_events");
  await office.rows(
    `UPDATE calls SET raw_data = (SELECT jsonb_agg(e) FROM jsonb_array_elements(raw_data) e WHERE e -> 'ev' ->> 'Event' <> 'Hangup')`,
  );
  const before = await office.rows("SELECT * FROM calls");
  await setEnterprise(office.db.pool, "0367", { extensions: "^201$", trunks: ["reception"] });
  expect(await rebuildNow(office)).toMatchObject({ changed: 0, left: [{ reason: "not_ended" }] });
  expect(await office.rows("SELECT * FROM calls")).toEqual(before);
});
