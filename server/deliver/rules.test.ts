import { describe, expect, it } from "vitest";
import { givesWay, needsOf, type DeliverySettings, type StepFacts } from "./rules.ts";
import { readDeliverySettings } from "./settings.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1_800_000_000_000;
const all: DeliverySettings = {
  telegram: true,
  chats: [],
  callbackMsMax: 0,
  integrationSteps: new Set(["start", "dial", "bridge", "hangup"]),
  integrations: [],
  downloadedHangupAgeMsMax: HOUR,
};
const none: DeliverySettings = { ...all, telegram: false, integrationSteps: new Set() };
const hangupsOnly: DeliverySettings = { ...all, telegram: false, integrationSteps: new Set(["hangup"]) };

const at = (type: StepFacts["type"], origin: StepFacts["origin"], ageMs = 0, callAgeMs = 0): StepFacts => ({
  type,
  origin,
  at: NOW - ageMs,
  callSince: NOW - callAgeMs,
});

describe("what a step needs", () => {
  it.each<[string, StepFacts, DeliverySettings, boolean, boolean]>([
    ["a live start goes everywhere", at("start", "live"), all, true, true],
    ["a live dial goes everywhere", at("dial", "live"), all, true, true],
    ["a live bridge goes everywhere", at("bridge", "live"), all, true, true],
    ["a live hangup goes everywhere", at("hangup", "live"), all, true, true],
    ["a live hangup goes out however old the PBX clock says it is", at("hangup", "live", 9 * HOUR), all, true, true],
    ["a downloaded start goes nowhere", at("start", "downloaded"), all, false, false],
    ["a downloaded dial goes nowhere", at("dial", "downloaded"), all, false, false],
    ["a downloaded bridge goes nowhere", at("bridge", "downloaded"), all, false, false],
    ["a downloaded hangup goes everywhere", at("hangup", "downloaded"), all, true, true],
    ["a downloaded hangup at the limit still goes", at("hangup", "downloaded", HOUR), all, true, true],
    ["a downloaded hangup over the limit is no chat news", at("hangup", "downloaded", HOUR + 1), all, false, true],
    [
      "a downloaded hangup from a clock that is hours ahead is none",
      at("hangup", "downloaded", -2 * HOUR),
      all,
      false,
      true,
    ],
    ["a recovered hangup is as a downloaded one", at("hangup", "recovered", 2 * HOUR), all, false, true],
    ["a migrated hangup goes nowhere", at("hangup", "migrated"), all, false, false],
    ["a start told again after its row was dropped is no news", at("start", "live", 0, 61 * DAY), all, false, false],
    ["a live start of a PBX whose clock says 1970 goes everywhere", at("start", "live", NOW), all, true, true],
    ["nothing is asked for", at("hangup", "live"), none, false, false],
    ["a step no integration asked for", at("dial", "live"), hangupsOnly, false, false],
    ["the step the integration asked for", at("hangup", "live"), hangupsOnly, false, true],
  ])("%s", (_, step, settings, needsTelegram, needsIntegration) => {
    const processed = !needsTelegram && !needsIntegration;
    expect(needsOf(step, settings, NOW)).toEqual({ needsTelegram, needsIntegration, processed });
  });
});

describe("at sending", () => {
  const late = { isLive: true, ageMs: 60_001, newerWaits: true, callRuns: true };
  it.each<[string, Parameters<typeof givesWay>[0], boolean]>([
    ["a start in time is sent", { ...late, type: "start", ageMs: 60_000 }, false],
    [
      "a start in time is sent even when the call is over",
      { ...late, type: "start", ageMs: 0, callRuns: false },
      false,
    ],
    ["a late start gives way to a later step", { ...late, type: "start" }, true],
    ["a late dial gives way to a later step", { ...late, type: "dial" }, true],
    [
      "a late bridge that is the newest of a running call is its state",
      { ...late, type: "bridge", newerWaits: false },
      false,
    ],
    [
      "a late start of a call that is over is not sent",
      { ...late, type: "start", newerWaits: false, callRuns: false },
      true,
    ],
    ["a late bridge of a call that is over is not sent", { ...late, type: "bridge", callRuns: false }, true],
    ["a hangup is always sent", { ...late, type: "hangup", ageMs: 86_400_000, callRuns: false }, false],
  ])("%s", (_, facts, gives) => expect(givesWay(facts)).toBe(gives));
});

describe("settings of an enterprise", () => {
  it("asks for nothing when empty or of another shape", () => {
    for (const settings of [{}, null, { telegram: "yes", integrations: { events: ["hangup"] } }]) {
      expect(readDeliverySettings(settings)).toEqual({ ...none, downloadedHangupAgeMsMax: HOUR });
    }
  });

  it("joins what all integrations ask for and takes the enterprise's age limit", () => {
    const telegram = { enabled: true, token: "sealed", chats: [{ name: "main", chat: "-1" }], callback_hours: 1 };
    const settings = readDeliverySettings({
      telegram: { ...telegram, downloaded_hangup_age_max_seconds: 60 },
      integrations: [
        { name: "crm", url: "https://crm.test", events: ["hangup", "ringing"] },
        { name: "desk", url: "https://desk.test", events: ["start"] },
        { name: "no address", events: ["dial"] },
        {},
      ],
    });
    expect(settings).toEqual({
      telegram: true,
      chats: [expect.objectContaining({ name: "main", chat: "-1" })],
      callbackMsMax: HOUR,
      integrationSteps: new Set(["hangup", "start"]),
      integrations: [
        { name: "crm", steps: new Set(["hangup"]) },
        { name: "desk", steps: new Set(["start"]) },
      ],
      downloadedHangupAgeMsMax: 60_000,
    });
  });
});
