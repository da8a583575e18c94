import { at, isObject, type Json, type JsonObject } from "../json.ts";

/** What can be told of a call, and the names old systems gave it; the first that holds something usable is taken. */
const NAMES = {
  unique_id: "UniqueId UniqueID Uniqueid uniqueId uniqueid unique_id LinkedId LinkedID Linkedid linkedid linked_id",
  enterprise: "EnterpriseId EnterpriseID enterpriseId enterprise_id Enterprise enterprise EnterpriseNumber",
  token: "Token token",
  event: "Event event EventType eventType event_type",
  call_type: "CallType callType call_type Direction direction",
  call_status: "CallStatus callStatus call_status Status status Disposition disposition",
  phone_number: "Phone phone PhoneNumber phoneNumber phone_number ExternalPhone CallerIDNum callerid",
  trunk: "Trunk trunk TrunkName",
  main_extension: "MainExtension mainExtension main_extension AnsweredBy answered_by",
  caller_extension: "CallerExtension callerExtension caller_extension FromExtension",
  extensions: "Extensions extensions Extension extension",
  extension_info: "ExtensionInfo extensionInfo extension_info ExtensionsInfo",
  asterisk_host: "AsteriskHost asteriskHost asterisk_host AsteriskIP Host host",
  start_time: "StartTime startTime start_time DateReceived Start start",
  dial_time: "DialTime dialTime dial_time DialStart dial_start",
  answer_time: "AnswerTime answerTime answer_time BridgeTime bridge_time Answer",
  end_time: "EndTime endTime end_time HangupTime hangup_time End end",
  event_time: "EventTime eventTime event_time Timestamp timestamp Date date Time time CreatedAt created_at createdAt",
  duration: "Duration duration CallDuration call_duration",
  talk_seconds: "TalkTime talkTime talk_time BillSec billsec Billsec",
} as const;

/** What can be told of one extension in a call, when more than its number is there. */
const EXTENSION_NAMES = {
  extension: "Extension extension Ext ext Number number Exten exten Num num",
  status: "Status status CallStatus callStatus participant_status Disposition disposition",
  ring_duration: "RingDuration ringDuration ring_duration RingTime ringTime ring_time RingSeconds",
  dial_start: "DialStart dialStart dial_start DialTime StartTime start_time start",
  answer_time: "AnswerTime answerTime answer_time AnsweredAt",
  hangup_time: "HangupTime hangupTime hangup_time EndTime end_time end",
  disconnect_reason: "DisconnectReason disconnectReason disconnect_reason Reason reason HangupReason",
} as const;

export type Field = keyof typeof NAMES;
export type ExtensionField = keyof typeof EXTENSION_NAMES;
export type Names<F extends string> = Readonly<Record<F, readonly string[]>>;

export const FIELDS: Names<Field> = lists(NAMES);
export const EXTENSION_FIELDS: Names<ExtensionField> = lists(EXTENSION_NAMES);

function lists<F extends string>(names: Record<F, string>): Record<F, readonly string[]> {
  const entries = Object.entries<string>(names).map(([field, text]) => [field, text.split(" ")]);
  return Object.fromEntries(entries) as Record<F, readonly string[]>;
}

/** Takes values out of a document by field and remembers which names were used up; the rest is what nobody knows. */
export class Reading<F extends string> {
  readonly #document: JsonObject;
  readonly #names: Names<F>;
  readonly #used = new Set<string>();

  constructor(document: JsonObject, names: Names<F>) {
    this.#document = document;
    this.#names = names;
  }

  /** The first value `read` can use. `onUnusable` hears of one that is there but could not be used; it stays unknown. */
  take<T>(field: F, read: (value: Json) => T | undefined, onUnusable?: (value: Json) => void): T | undefined {
    for (const name of this.#names[field]) {
      const value = at(this.#document, name);
      if (value === undefined || value === null || value === "") continue;
      const usable = read(value);
      if (usable === undefined) {
        onUnusable?.(value);
        continue;
      }
      this.#used.add(name);
      return usable;
    }
    return undefined;
  }

  /** Everything that was not used up, but for empty values of names we know and the ones left out by name. */
  unknown(...leaveOut: readonly string[]): JsonObject {
    const out: JsonObject = {};
    for (const [key, value] of Object.entries(this.#document)) {
      if (this.#used.has(key) || leaveOut.includes(key) || value === null || value === "") continue;
      out[key] = value;
    }
    return out;
  }
}

/** Text of a scalar; numbers in all their shapes too. undefined for what is no scalar. */
export function readText(value: Json): string | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : value.trim();
  if (typeof value === "number") return String(value);
  if (!isObject(value)) return undefined;
  const wrapped = value["$numberLong"] ?? value["$numberDecimal"] ?? value["$oid"];
  return typeof wrapped === "string" ? wrapped : undefined;
}
