import { describe, expect, it } from "vitest";
import type { CardCall, CardParticipant } from "./card-call.ts";
import { drawCard, drawJoined } from "./card.ts";
import type { CardStyle } from "./phrases.ts";

const START = Date.parse("2026-11-24T12:05:00Z");
const minutes = (count: number) => START + count * 60_000;
const style: CardStyle = {
  enterpriseId: "0367",
  language: "en",
  timezone: "Europe/Kyiv",
  names: new Map([["150", "Olena"]]),
  recordingUrl: null,
};
const ringing: CardParticipant = { extension: "150", status: "dialing", present: true, reason: null };
const silent: CardParticipant = { ...ringing, status: "no_answer", present: false, reason: "timeout" };
const talking: CardParticipant = { ...ringing, status: "answered" };
const begun: CardCall = {
  id: 1,
  uniqueId: "1764000000.1",
  callType: "incoming",
  final: false,
  status: null,
  phoneNumber: "+380501112233",
  mainExtension: null,
  startedAt: START,
  endedAt: null,
  extra: { did: "0441234567" },
  participants: [],
  nthToday: 1,
  lastAnsweredBy: null,
  callback: null,
  handled: null,
};
const over: CardCall = { ...begun, final: true, endedAt: minutes(2) };
const missed: CardCall = {
  ...over,
  status: "no_answer",
  participants: [silent, { ...silent, extension: "151" }],
  extra: { did: "0441234567", wait_seconds: 35, talk_seconds: 0 },
};
const answered: CardCall = {
  ...over,
  status: "answered",
  mainExtension: "150",
  participants: [{ ...talking, present: false, reason: "caller_hangup" }],
  extra: { did: "0441234567", wait_seconds: 12, talk_seconds: 130 },
};
const outgoing: CardCall = { ...begun, callType: "outgoing", mainExtension: "150", extra: {}, nthToday: null };

const from = "from <b>+380501112233</b> · 14:05\nto 0441234567";

describe("the card of a call", () => {
  it.each<[string, CardCall, string]>([
    ["begins", begun, `📞 Call ${from}\n🕐 waiting`],
    ["rings", { ...begun, participants: [ringing] }, `📞 Call ${from}\n🔔 ringing: 150 Olena`],
    [
      "rings two, after one that did not answer",
      { ...begun, participants: [silent, { ...ringing, extension: "151" }, { ...ringing, extension: "152" }] },
      `📞 Call ${from}\n🔔 ringing: 151, 152`,
    ],
    ["is answered", { ...begun, participants: [talking] }, `📞 Call ${from}\n🗣 talking: 150 Olena`],
    [
      "is transferred, and rings there",
      {
        ...begun,
        extra: { did: "0441234567", transfers: [{ kind: "blind", by: "150", to: "160", at: 1 }] },
        participants: [
          { ...talking, present: false, reason: "transferred" },
          { ...ringing, extension: "160" },
        ],
      },
      `📞 Call ${from}\n↪️ transferred: 150 Olena → 160\n🔔 ringing: 160`,
    ],
    ["ended, answered", answered, `📞 Call ${from}\n✅ answered by 150 Olena · talked 2:10 · waited 0:12`],
    [
      "ended, answered by an outside phone",
      { ...answered, mainExtension: null },
      `📞 Call ${from}\n✅ answered · talked 2:10 · waited 0:12`,
    ],
    ["was missed", missed, `❗️ Missed call ${from}\n📵 no answer · waited 0:35\nrang: 150 Olena, 151`],
    [
      "was missed: everybody busy",
      { ...missed, status: "busy" },
      `❗️ Missed call ${from}\n📵 busy · waited 0:35\nrang: 150 Olena, 151`,
    ],
    [
      "was missed: the phone was not registered",
      { ...missed, participants: [{ ...silent, reason: "unavailable" }] },
      `❗️ Missed call ${from}\n📵 no answer · waited 0:35\nrang: 150 Olena (not registered)`,
    ],
    [
      "was missed: nobody was rung, left a message",
      { ...missed, status: "failed", participants: [], extra: { voicemail: { mailbox: "150" } } },
      "❗️ Missed call from <b>+380501112233</b> · 14:05\n⚠️ could not be connected\nno phone rang\n📩 went to voicemail",
    ],
    [
      "of a hidden number",
      { ...missed, phoneNumber: null, participants: [], extra: {} },
      "❗️ Missed call from a hidden number · 14:05\n📵 no answer\nno phone rang",
    ],
    [
      "with a name, a queue",
      { ...begun, extra: { caller_name: "Ivan", queue: "sales" } },
      "📞 Call from <b>+380501112233</b> Ivan · 14:05\nqueue sales\n🕐 waiting",
    ],
    [
      "is the third today",
      { ...begun, nthToday: 3, lastAnsweredBy: "150" },
      `📞 Call ${from}\n🕐 waiting\n3rd call today, last answered by 150 Olena`,
    ],
    ["is the second today, never answered", { ...begun, nthToday: 2 }, `📞 Call ${from}\n🕐 waiting\n2nd call today`],
    [
      "was missed and called back",
      { ...missed, callback: { outgoing: true, by: "150", at: minutes(15) } },
      `❗️ Missed call ${from}\n📵 no answer · waited 0:35\nrang: 150 Olena, 151\n↩️ called back by 150 Olena at 14:20`,
    ],
    [
      "was missed and called again",
      { ...missed, callback: { outgoing: false, by: null, at: minutes(15) } },
      `❗️ Missed call ${from}\n📵 no answer · waited 0:35\nrang: 150 Olena, 151\n↩️ called again at 14:20, answered by somebody`,
    ],
    [
      "was missed and handled",
      { ...missed, handled: { by: "<Ivan>", at: minutes(20) } },
      `❗️ Missed call ${from}\n📵 no answer · waited 0:35\nrang: 150 Olena, 151\n✔️ handled by &lt;Ivan&gt;, 14:25`,
    ],
    ["goes out", outgoing, "📤 150 Olena calls <b>+380501112233</b> · 14:05"],
    [
      "went out, answered",
      { ...outgoing, final: true, status: "answered", extra: { talk_seconds: 3725, wait_seconds: 9 } },
      "📤 150 Olena calls <b>+380501112233</b> · 14:05\n✅ answered · talked 1:02:05",
    ],
    [
      "went out, nobody answered: not a missed call",
      { ...outgoing, final: true, status: "no_answer", extra: { wait_seconds: 30 } },
      "📤 150 Olena calls <b>+380501112233</b> · 14:05\n📵 no answer · waited 0:30",
    ],
    [
      "inside",
      { ...outgoing, callType: "internal", phoneNumber: null, participants: [{ ...ringing, extension: "160" }] },
      "🏠 150 Olena calls inside · 14:05\n🔔 ringing: 160",
    ],
  ])("%s", (_, call, text) => expect(drawCard(call, style).text).toBe(text));

  it("has a button only while a missed call waits for somebody", () => {
    const button = (call: CardCall) => drawCard(call, style).button;
    expect(button(missed)).toBe("Mark as handled");
    const callback = { outgoing: true, by: "150", at: START };
    for (const call of [
      begun,
      answered,
      outgoing,
      { ...missed, callback },
      { ...missed, handled: { by: "I", at: 1 } },
    ]) {
      expect(button(call)).toBeNull();
    }
  });

  it("never says missed before the call is final, whatever its participants did", () => {
    const running = { ...missed, final: false, status: null };
    expect(drawCard(running, style).text).toBe(`📞 Call ${from}\n🕐 waiting`);
  });

  it("in Russian and Ukrainian", () => {
    const call = { ...missed, nthToday: 3, lastAnsweredBy: "150" };
    expect(drawCard(call, { ...style, language: "ru" }).text).toBe(
      "❗️ Пропущенный от <b>+380501112233</b> · 14:05\nна 0441234567\n📵 не ответили · ожидание 0:35\nзвонили: 150 Olena, 151\n" +
        "3-й звонок за сегодня, в прошлый раз ответил 150 Olena",
    );
    expect(drawCard(answered, { ...style, language: "uk" }).text).toBe(
      "📞 Дзвінок від <b>+380501112233</b> · 14:05\nна 0441234567\n✅ відповів 150 Olena · розмова 2:10 · очікування 0:12",
    );
  });

  it("takes nothing from a PBX for markup, and lets nothing break its lines", () => {
    const evil = {
      ...begun,
      phoneNumber: "<b>1</b>",
      extra: { caller_name: 'A&B "<i>\n\u202e{who}', did: "{who}\u0000" },
    };
    expect(drawCard(evil, style).text).toBe(
      "📞 Call from <b>&lt;b&gt;1&lt;/b&gt;</b> A&amp;B &quot;&lt;i&gt;  {who} · 14:05\nto {who} \n🕐 waiting",
    );
  });

  it("stays within a message, however many phones ring and however long the names are", () => {
    const long = "&".repeat(5_000);
    const many = Array.from({ length: 500 }, (_, at) => ({ ...ringing, extension: `${at}${long}` }));
    const call = {
      ...begun,
      phoneNumber: long,
      extra: { caller_name: long, did: long, queue: long },
      participants: many,
    };
    const names = new Map(many.map(({ extension }) => [extension, long]));
    const { text } = drawCard(call, { ...style, names });
    expect(text).toContain("and 488 more");
    expect(text.replaceAll("&amp;", "&").length).toBeLessThan(4096);
  });

  it("of a call that became part of another says which", () => {
    expect(drawJoined(answered, style)).toEqual({
      text: "🔗 became part of the call with <b>+380501112233</b>",
      button: null,
    });
  });
});

describe("the link to a recording", () => {
  const card = (recordingUrl: string, recording: unknown, final = true) =>
    drawCard({ ...answered, final, extra: { recording } }, { ...style, recordingUrl })
      .text.split("\n")
      .at(-1);

  it.each<[string, string, unknown, string]>([
    ["path", "https://r.example/{recording}", "/var/spool/in 1.wav", "https://r.example/var/spool/in%201.wav"],
    ["file", "https://r.example/{enterprise}/{file}", "/a/b.wav", "https://r.example/0367/b.wav"],
    ["call", "https://r.example/?id={unique_id}&x=1", "/a.wav", "https://r.example/?id=1764000000.1&amp;x=1"],
    ["no way out of the folder", "https://r.example/r/{recording}", "../../etc/x.wav", "https://r.example/r/etc/x.wav"],
    ["no markup", "https://r.example/{file}", '"><b>', "https://r.example/%22%3E%3Cb%3E"],
  ])("%s", (_, template, recording, url) => {
    expect(card(template, recording)).toBe(`🎧 <a href="${url}">recording</a>`);
  });

  it("several recordings are several links", () => {
    expect(card("https://r.example/{file}", ["a.wav", "b.wav"])).toBe(
      '🎧 <a href="https://r.example/a.wav">recording</a>, <a href="https://r.example/b.wav">recording</a>',
    );
  });

  it.each<[string, string, unknown, boolean]>([
    ["while the call runs", "https://r.example/{file}", "a.wav", false],
    ["without a recording", "https://r.example/{file}", undefined, true],
    ["with a template that is no web address", "javascript:{file}", "a.wav", true],
  ])("is not there %s", (_, template, recording, final) => {
    expect(card(template, recording, final)).not.toContain("🎧");
  });
});
