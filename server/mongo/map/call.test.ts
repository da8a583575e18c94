import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../json.ts";
import { mergeCall } from "./call.ts";
import { mapDocument, type MappingContext } from "./document.ts";
import { isReject } from "./enterprise.ts";
import type { CallRow, DocumentFacts, EnterpriseEntry } from "./types.ts";
import { DEFAULT_MAPPING } from "./mapping-file.ts";

const MINSK: EnterpriseEntry = { id: "0367", token: "t-0367", timezone: "Europe/Minsk", hosts: [] };
const START = Date.UTC(2025, 5, 4, 10, 50, 47);

function contextOf(more: Partial<MappingContext["directory"]> = {}): MappingContext {
  const directory = {
    enterprises: new Map([[MINSK.id, MINSK]]),
    tokens: new Map([[MINSK.token, MINSK.id]]),
    map: {},
    make: undefined,
    ...more,
  };
  return { ...DEFAULT_MAPPING, directory };
}

function facts(document: JsonObject, context = contextOf()): DocumentFacts {
  const mapped = mapDocument(document, context);
  if (isReject(mapped)) throw new Error(mapped.detail);
  return mapped;
}

const call = (...documents: JsonObject[]): CallRow =>
  mergeCall(
    documents.map((one) => facts(one)),
    MINSK,
  );
const WHOLE = {
  _id: { $oid: "68402507aaaaaaaaaaaaaaaa" },
  UniqueId: "1749034247.6528",
  CallType: "incoming",
  Phone: "+375291234567",
  Token: "t-0367",
  Extensions: ["150", "151"],
  StartTime: "2025-06-04 13:50:47",
  EndTime: { $date: "2025-06-04T10:51:47.000Z" },
  CallStatus: "answered",
  PhoneInfo: { name: "Client" },
};

describe("a document of a whole call", () => {
  it("becomes the row the old system's page maps it to", () => {
    expect(call(WHOLE)).toMatchObject({
      linkedid: "1749034247.6528",
      mongo_id: "68402507aaaaaaaaaaaaaaaa",
      enterprise_id: "0367",
      token: "t-0367",
      call_type: "incoming",
      call_status: "answered",
      phone_number: "+375291234567",
      main_extension: "150",
      extensions_count: 2,
      start_time: START,
      end_time: START + 60_000,
      duration: 60,
      raw_data: [WHOLE],
      extra_data: { PhoneInfo: { name: "Client" }, completeness: "complete" },
    });
  });

  it("makes its extensions participants in their order, the first one having answered", () => {
    const told = call(WHOLE).participants.map((one) => [one.ring_order, one.extension, one.participant_status]);
    expect(told).toEqual([
      [1, "150", "answered"],
      [2, "151", "no_answer"],
    ]);
  });

  it("keeps what is known of each extension, and believes it over the order", () => {
    const { participants, main_extension } = call({
      ...WHOLE,
      Extensions: [
        { Extension: "150", Status: "NO ANSWER", RingTime: "12", Device: "SIP/150-0000001f" },
        {
          Extension: "PJSIP/151-0000002a",
          Status: "ANSWERED",
          DialStart: 1749034250,
          AnswerTime: "04.06.2025 13:51:00",
        },
      ],
      ExtensionInfo: { 150: { name: "Reception" } },
    });
    expect(main_extension).toBe("151");
    expect(participants).toMatchObject([
      {
        extension: "150",
        participant_status: "no_answer",
        ring_duration: 12,
        extension_info: { name: "Reception", Device: "SIP/150-0000001f" },
      },
      {
        extension: "151",
        participant_status: "answered",
        ring_duration: 10,
        answer_time: START + 13_000,
        dial_start: START + 3_000,
      },
    ]);
  });

  it("does not count who places a call among those who answer", () => {
    const row = call({ ...WHOLE, CallType: "исходящий", Extensions: ["150"] });
    expect(row).toMatchObject({ call_type: "outgoing", main_extension: "150", extensions_count: 1, participants: [] });
  });

  it("owes its hangup and no message", () => {
    expect(call(WHOLE).steps).toMatchObject([
      { event_type: "hangup", nth: 1, event_sequence: 1, event_timestamp: START + 60_000 },
    ]);
  });

  it.each([
    ["ANSWERED", "answered"],
    ["NO ANSWER", "no_answer"],
    ["CONGESTION", "failed"],
    ["BUSY", "busy"],
    ["Отвечен", "answered"],
    ["пропущенный", "no_answer"],
    ["занято", "busy"],
    ["CHANUNAVAIL", "failed"],
  ])("reads the status %s as %s", (word, ours) => {
    expect(call({ ...WHOLE, CallStatus: word }).call_status).toBe(ours);
  });

  it("decides a status nobody knows by what is known, and says so", () => {
    const row = call({ ...WHOLE, CallStatus: "hmm", TalkTime: 30 });
    expect(row).toMatchObject({
      call_status: "answered",
      extra_data: { CallStatus: "hmm", migration: { rules: ["call_status_by_rule"] } },
    });
    expect(call({ ...WHOLE, CallStatus: "hmm" }).call_status).toBe("no_answer");
  });

  it("keeps a duration that the times contradict", () => {
    const row = call({ ...WHOLE, Duration: { $numberLong: "45" } });
    expect(row).toMatchObject({
      duration: 60,
      extra_data: { migration: { duration_told: 45, rules: ["duration_differs"] } },
    });
  });

  it("ends a call whose end is before its beginning by its duration, else where it began", () => {
    const early = { ...WHOLE, EndTime: "2025-06-04 13:00:00" };
    expect(call({ ...early, Duration: 30 })).toMatchObject({ duration: 30, end_time: START + 30_000 });
    expect(call(early)).toMatchObject({ duration: 0, end_time: START, extra_data: { completeness: "inferred_end" } });
  });

  it("takes the beginning from the UniqueId when no time can be read, and keeps what stood there", () => {
    const row = call({ ...WHOLE, StartTime: "yesterday" });
    expect(row).toMatchObject({ start_time: START, extra_data: { StartTime: "yesterday" } });
    expect(row.rules).toEqual(["bad_time", "start_from_unique_id"]);
  });
});

const BASE = { UniqueId: "1749034247.6528", Token: "t-0367" };
const PIECES: JsonObject[] = [
  {
    ...BASE,
    _id: "a",
    Event: "start",
    StartTime: 1749034247,
    CallType: "in",
    Phone: "8029",
    Trunk: "PJSIP/trunk-a-0000001f",
  },
  { ...BASE, _id: "b", Event: "dial", Timestamp: 1749034249, Extensions: ["150", "151"] },
  { ...BASE, _id: "c", Event: "bridge", Timestamp: 1749034256, Extensions: ["151"] },
  { ...BASE, _id: "d", Event: "hangup", EndTime: 1749034307, CallStatus: "answered", Extensions: ["151"] },
];

describe("several documents of one UniqueId", () => {
  it("are one call: its steps in order, each extension once, the hangup last", () => {
    const row = call(...PIECES);
    expect(row).toMatchObject({
      mongo_id: "d",
      call_type: "incoming",
      call_status: "answered",
      trunk: "trunk-a",
      main_extension: "151",
      start_time: START,
      duration: 60,
      extra_data: { talk_seconds: 51, migration: { mongo_ids: ["a", "b", "c", "d"] } },
    });
    expect(row.steps.map(({ event_type, event_sequence }) => [event_sequence, event_type])).toEqual([
      [1, "start"],
      [2, "dial"],
      [3, "bridge"],
      [4, "hangup"],
    ]);
    expect(row.participants).toMatchObject([
      { extension: "150", participant_status: "no_answer", dial_start: START + 2000 },
      {
        extension: "151",
        participant_status: "answered",
        ring_duration: 7,
        answer_time: START + 9000,
        hangup_time: START + 60_000,
      },
    ]);
  });

  it("give the same call in any order", () => {
    const expected = call(...PIECES);
    fc.assert(
      fc.property(fc.shuffledSubarray(PIECES, { minLength: PIECES.length }), (shuffled) => {
        expect(call(...shuffled)).toEqual(expected);
      }),
    );
  });

  it("end at the last thing known when the hangup is missing, without inventing its step", () => {
    const row = call(...PIECES.slice(0, 3));
    expect(row).toMatchObject({
      call_status: "answered",
      end_time: START + 9000,
      extra_data: { completeness: "inferred_end" },
    });
    expect(row.steps.map((step) => step.event_type)).toEqual(["start", "dial", "bridge"]);
  });

  it("tell a step once that was written twice, and keep both documents", () => {
    const row = call(...PIECES, { ...PIECES[1], _id: "b2" });
    expect(row.steps).toHaveLength(4);
    expect(row.raw_data).toHaveLength(5);
    expect(row.rules).toContain("same_document_twice");
  });
});

describe("whose call it is", () => {
  const owner = (document: JsonObject, more: Partial<MappingContext["directory"]> = {}): unknown => {
    const mapped = mapDocument({ UniqueId: "1749034247.1", ...document }, contextOf(more));
    return isReject(mapped) ? mapped.reason : [mapped.enterpriseId, mapped.token, ...mapped.ownerRules];
  };

  it("follows the document's enterprise, its token, the map, and at last the map's *", () => {
    expect(owner({ EnterpriseId: "0367", Token: "t-0367" })).toEqual(["0367", "t-0367"]);
    expect(owner({ EnterpriseId: "0367" })).toEqual(["0367", undefined, "token_from_enterprise"]);
    expect(owner({ Token: "t-0367" })).toEqual(["0367", "t-0367", "enterprise_from_token"]);
    expect(owner({ EnterpriseId: "old name" }, { map: { "old name": "0367" } })).toEqual([
      "0367",
      undefined,
      "enterprise_from_map",
      "token_from_enterprise",
    ]);
    expect(owner({ Token: "gone" }, { map: { gone: "0367" } })).toEqual([
      "0367",
      "gone",
      "enterprise_from_map",
      "token_differs",
    ]);
    expect(owner({}, { map: { "*": "0367" } })).toEqual([
      "0367",
      undefined,
      "enterprise_by_default",
      "token_from_enterprise",
    ]);
  });

  it("is nobody's without a word of it, or for a stranger whom nobody may register", () => {
    expect(owner({})).toBe("no_enterprise");
    expect(owner({ Token: "gone" })).toBe("no_enterprise");
    expect(owner({ EnterpriseId: "0999", Token: "t" })).toBe("unknown_enterprise");
    expect(owner({ EnterpriseId: "0999" }, { make: { timezone: "UTC" } })).toBe("unknown_enterprise");
    expect(owner({ EnterpriseId: "0999", Token: "t" }, { make: { timezone: "UTC" } })).toEqual([
      "0999",
      "t",
      "enterprise_made",
    ]);
  });
});

describe("what cannot be mapped", () => {
  it.each([
    [{ Token: "t-0367" }, /none of UniqueId/],
    [{ UniqueId: { a: 1 }, Token: "t-0367" }, /UniqueId is an object that is no id/],
    [{ UniqueId: "", Token: "t-0367" }, /UniqueId is empty/],
  ])("says why: %j", (document, why) => {
    const mapped = mapDocument(document, contextOf());
    expect(isReject(mapped) && mapped.detail).toMatch(why);
  });

  it("takes a UniqueId that was stored as a number, and says so", () => {
    expect(facts({ UniqueId: 1749034247.6528, Token: "t-0367" })).toMatchObject({
      linkedid: "1749034247.6528",
      rules: ["unique_id_was_number", "mongo_id_made"],
    });
  });
});
