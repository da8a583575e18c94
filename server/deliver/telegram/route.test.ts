import { describe, expect, it } from "vitest";
import { chatsFor, type RouteFacts } from "./route.ts";
import { readTelegramSettings, type StoredChat } from "./settings.ts";

const chatsOf = (chats: StoredChat[]) =>
  readTelegramSettings({ telegram: { enabled: true, token: "sealed", chats } })!.chats;

// Tuesday, ten in the morning in Kyiv.
const call: RouteFacts = {
  callType: "incoming",
  did: "0441234567",
  extensions: ["150", "151"],
  missed: false,
  startedAt: Date.parse("2026-11-24T08:00:00Z"),
  timezone: "Europe/Kyiv",
};
const missed = { ...call, missed: true };
const outgoing: RouteFacts = { ...call, callType: "outgoing", did: null, extensions: ["150"] };
const atNight = { ...call, startedAt: Date.parse("2026-11-24T23:00:00Z") };

describe("which chats are told", () => {
  it.each<[string, Partial<StoredChat>, RouteFacts, boolean]>([
    ["a chat without rules hears of every call", {}, call, true],
    ["and of outgoing ones", {}, outgoing, true],
    ["its type of call", { types: ["incoming"] }, call, true],
    ["not another type", { types: ["incoming"] }, outgoing, false],
    ["its DID", { dids: ["0441234567"] }, call, true],
    ["its DID, written with +", { dids: ["380441234567"] }, { ...call, did: "+380441234567" }, true],
    ["its DID, set with +", { dids: ["+380441234567"] }, { ...call, did: "380441234567" }, true],
    ["not another DID", { dids: ["0449999999"] }, call, false],
    ["a call without a DID is of none", { dids: ["0441234567"] }, outgoing, false],
    ["one of its extensions rang", { extensions: ["151", "152"] }, call, true],
    ["none of its extensions rang", { extensions: ["152"] }, call, false],
    ["nobody has rung yet", { extensions: ["150"] }, { ...call, extensions: [] }, false],
    ["its extension called out", { extensions: ["150"] }, outgoing, true],
    ["missed only: not while it rings", { only: "missed" }, call, false],
    ["missed only: once it is missed", { only: "missed" }, missed, true],
    ["all: also missed ones", { only: "all" }, missed, true],
    ["in working hours", { hours: "mon-fri 09:00-18:00" }, call, true],
    ["not outside working hours", { hours: "mon-fri 09:00-18:00" }, atNight, false],
    ["the night shift's chat by day", { hours: "outside mon-fri 09:00-18:00" }, call, false],
    ["the night shift's chat by night", { hours: "outside mon-fri 09:00-18:00" }, atNight, true],
    ["all rules must hold", { types: ["incoming"], extensions: ["150"], only: "missed" }, missed, true],
    ["one that does not is enough", { types: ["incoming"], extensions: ["152"], only: "missed" }, missed, false],
  ])("%s", (_, rules, facts, told) => {
    expect(chatsFor(chatsOf([{ name: "sales", chat: "-100", ...rules }]), facts)).toEqual(told ? ["sales"] : []);
  });

  it("one card for names that mean the same chat, one for each topic", () => {
    const chats = chatsOf([
      { name: "missed", chat: "-100", only: "missed" },
      { name: "sales", chat: "-100", dids: ["0441234567"] },
      { name: "topic", chat: "-100", thread: 7 },
      { name: "boss", chat: "42" },
    ]);
    expect(chatsFor(chats, call)).toEqual(["missed", "topic", "boss"]);
    expect(chatsFor(chats, missed)).toEqual(["missed", "topic", "boss"]);
    expect(chatsFor(chats, outgoing)).toEqual(["topic", "boss"]);
  });
});

describe("Telegram's settings", () => {
  const chats = [{ name: "main", chat: -100123 }];
  it.each<[string, unknown]>([
    ["nothing", {}],
    ["not on", { telegram: { token: "sealed", chats } }],
    ["off", { telegram: { enabled: false, token: "sealed", chats } }],
    ["no token", { telegram: { enabled: true, chats } }],
    ["no chat", { telegram: { enabled: true, token: "sealed", chats: [] } }],
    ["chats of another shape", { telegram: { enabled: true, token: "sealed", chats: [7, { name: "main" }] } }],
    ["no object", null],
  ])("%s: nobody is told", (_, settings) => expect(readTelegramSettings(settings)).toBeNull());

  it("have defaults", () => {
    expect(readTelegramSettings({ telegram: { enabled: true, token: "sealed", language: "xx", chats } })).toMatchObject(
      {
        language: "en",
        recordingUrl: null,
        callbackMsMax: 86_400_000,
        lateMsMax: 7_200_000,
        chats: [{ chat: "-100123", thread: null, types: null, missedOnly: false, hours: null }],
      },
    );
  });
});
