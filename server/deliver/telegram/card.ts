import { type CardCall, isMissed } from "./card-call.ts";
import { clipped, fill } from "./html.ts";
import { recordingLinks } from "./recording.ts";
import { CARD_LIMITS } from "./limits.ts";
import { bold, type CardStyle, clock, type Drawing, extension, list, seconds, time } from "./phrases.ts";
import { CARD_WORDS } from "./words/words.ts";

export interface Card {
  /** For parse_mode HTML. */
  text: string;
  /** What the button under it says; null: none. */
  button: string | null;
}

/** The card of a call as it stands now. */
export function drawCard(call: CardCall, style: CardStyle): Card {
  const drawing = { call, style, words: CARD_WORDS[style.language] };
  const lines = [title(drawing), ...whereTo(drawing), ...course(drawing), ...after(drawing)];
  const open = isMissed(call) && call.handled === null && call.callback === null;
  return { text: lines.join("\n"), button: open ? drawing.words.handle : null };
}

/** What is left of the card of a call that became part of another. */
export function drawJoined(survivor: CardCall, style: CardStyle): Card {
  const words = CARD_WORDS[style.language];
  const who = survivor.phoneNumber ?? survivor.mainExtension ?? words.hidden;
  return { text: fill(words.joined, { who: bold(who) }), button: null };
}

function title({ call, style, words }: Drawing): string {
  const by = call.mainExtension === null ? words.somebody : extension(style, call.mainExtension);
  const name = call.extra["caller_name"];
  const number = call.phoneNumber === null ? words.hidden : bold(call.phoneNumber);
  const named = typeof name === "string" && name !== call.phoneNumber;
  const who = named ? `${number} ${clipped(name, CARD_LIMITS.nameCharsMax)}` : number;
  const template = isMissed(call) ? words.missed : words[call.callType];
  return `${fill(template, { who, by })} · ${clock(style, call.startedAt)}`;
}

function whereTo({ call: { extra }, words }: Drawing): string[] {
  const parts = [...template(words.toDid, "did", extra["did"]), ...template(words.queue, "queue", extra["queue"])];
  return parts.length === 0 ? [] : [parts.join(" · ")];
}

function template(text: string, name: string, value: unknown): string[] {
  return typeof value === "string" ? [fill(text, { [name]: clipped(value, CARD_LIMITS.nameCharsMax) })] : [];
}

function course(drawing: Drawing): string[] {
  return [...transfers(drawing), ...(drawing.call.final ? outcome(drawing) : present(drawing))];
}

function transfers({ call, style, words }: Drawing): string[] {
  const all = call.extra["transfers"];
  const told = Array.isArray(all) ? (all as { by?: unknown; to?: unknown }[]) : [];
  return told.slice(-CARD_LIMITS.transfersMax).flatMap(({ by, to }) => {
    if (typeof by !== "string" || typeof to !== "string") return [];
    return [fill(words.transferred, { from: extension(style, by), to: extension(style, to) })];
  });
}

/** What happens now: who talks, else who rings. */
function present(drawing: Drawing): string[] {
  const { call, words } = drawing;
  const here = call.participants.filter((one) => one.present);
  const talking = here.filter(({ status }) => status === "answered");
  const ringing = here.filter(({ status }) => status === "dialing");
  if (talking.length > 0) return [fill(words.talking, { who: list(drawing, talking) })];
  if (ringing.length > 0) return [fill(words.ringing, { who: list(drawing, ringing) })];
  return call.callType === "incoming" ? [words.onHold] : [];
}

function outcome(drawing: Drawing): string[] {
  const { call, words } = drawing;
  const waited = seconds(call.extra["wait_seconds"]);
  if (call.status === "answered") {
    const talked = seconds(call.extra["talk_seconds"]);
    return [[answeredBy(drawing), ...time(words.talked, talked), ...waitOf(drawing, waited)].join(" · ")];
  }
  const how = call.status === "busy" ? words.busy : call.status === "failed" ? words.failed : words.noAnswer;
  const said = [how, ...time(words.waited, waited)].join(" · ");
  const missed = isMissed(call);
  const voicemail = call.extra["voicemail"] === undefined ? [] : [words.voicemail];
  const rung = call.participants.length > 0 ? [fill(words.rang, { who: list(drawing, call.participants) })] : [];
  return [said, ...(missed && rung.length === 0 ? [words.nobodyRang] : rung), ...voicemail];
}

function answeredBy({ call, style, words }: Drawing): string {
  if (call.callType === "outgoing" || call.mainExtension === null) return words.answeredOutside;
  return fill(words.answered, { who: extension(style, call.mainExtension) });
}

function waitOf({ call, words }: Drawing, waited: number | null): string[] {
  return call.callType === "incoming" ? time(words.waited, waited) : [];
}

function after(drawing: Drawing): string[] {
  const { call, style, words } = drawing;
  const { callback, handled } = call;
  const who = callback?.by === undefined || callback.by === null ? words.somebody : extension(style, callback.by);
  const back = callback?.outgoing === true ? words.calledBack : words.calledAgain;
  return [
    ...(isMissed(call) && callback !== null ? [fill(back, { who, time: clock(style, callback.at) })] : []),
    ...(handled === null
      ? []
      : [
          fill(words.handled, {
            who: clipped(handled.by, CARD_LIMITS.nameCharsMax),
            time: clock(style, handled.at),
          }),
        ]),
    ...history(drawing),
    ...recordings(drawing),
  ];
}

function history({ call, style, words }: Drawing): string[] {
  if (call.callType !== "incoming" || call.nthToday === null || call.nthToday < 2) return [];
  const nth = fill(words.history, { nth: words.nthOf(call.nthToday) });
  const before = call.lastAnsweredBy;
  return [before === null ? nth : `${nth}, ${fill(words.lastAnsweredBy, { who: extension(style, before) })}`];
}

function recordings({ call, style, words }: Drawing): string[] {
  if (!call.final || style.recordingUrl === null) return [];
  const links = recordingLinks(style.recordingUrl, call, style.enterpriseId);
  return links.length === 0 ? [] : [`🎧 ${links.map((url) => `<a href="${url}">${words.recording}</a>`).join(", ")}`];
}
