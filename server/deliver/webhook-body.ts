import { Type, type Static } from "typebox";
import { CALL_STATUSES, CALL_TYPES, DATA_SOURCES, STEP_TYPES } from "../../shared/call.ts";
import type { ClaimedDelivery } from "../store/claimDelivery.ts";
import type { Deliverable } from "../store/readDeliverable.ts";
import { DELIVERY_LIMITS } from "./limits.ts";

const Text = Type.Union([Type.String(), Type.Null()]);
const Whole = Type.Union([Type.Integer(), Type.Null()]);
const Time = Type.Union([Type.String({ format: "date-time" }), Type.Null()]);
const oneOf = (words: readonly string[]) => Type.Unsafe<string>({ type: "string", enum: [...words] });

const Participant = Type.Object({
  extension: Type.String(),
  status: Type.String(),
  ring_order: Whole,
  ring_duration: Whole,
  dial_start: Time,
  answer_time: Time,
  hangup_time: Time,
  disconnect_reason: Text,
});

const Call = Type.Object({
  unique_id: Type.String({ description: "the same in every message about the call" }),
  merged_into: Type.Union([Type.String(), Type.Null()], { description: "the unique_id this call became part of" }),
  site: Type.Integer(),
  asterisk_host: Text,
  call_type: oneOf(CALL_TYPES),
  call_status: Type.Union([oneOf(CALL_STATUSES), Type.Null()], { description: "null until the call is over" }),
  phone_number: Text,
  trunk: Text,
  main_extension: Text,
  extensions_count: Whole,
  start_time: Time,
  end_time: Time,
  duration: Whole,
  data_source: oneOf(DATA_SOURCES),
  extra: Type.Record(Type.String(), Type.Unknown()),
});

/** The body of a webhook. Fields are only ever added. docs/webhook.schema.json is this. */
export const WebhookBody = Type.Object({
  type: oneOf(STEP_TYPES.map((step) => `call.${step}`)),
  timestamp: Type.String({ format: "date-time", description: "when the step happened, by the PBX" }),
  data: Type.Object({
    event_id: Type.String({ description: "as the header webhook-id; the same when the message is repeated" }),
    enterprise: Type.String(),
    step: oneOf(STEP_TYPES),
    sequence: Whole,
    source: oneOf(DATA_SOURCES),
    attempt: Type.Integer({ description: "above 1: it may have reached you before" }),
    delayed: Type.Boolean({ description: "it left more than a minute after it happened" }),
    call: Call,
    participants: Type.Array(Participant),
  }),
});
export type WebhookBody = Static<typeof WebhookBody>;

/** The step's identity, which nothing changes: site, channel, step, which one of its kind. */
export function eventIdOf({ siteId, leg, type, nth }: ClaimedDelivery): string {
  return `s${siteId}-${leg}-${type}-${nth}`;
}

/** What is posted: the step, and the call as it stands at this moment. */
export function webhookBody(
  enterprise: string,
  delivery: ClaimedDelivery,
  { step, call, participants }: Deliverable,
  now: number,
): WebhookBody {
  const { extra_data, id: _, state: __, ...told } = call;
  const uniqueId = delivery.uniqueId ?? call.unique_id;
  const at = new Date(step.at);
  return {
    type: `call.${delivery.type}`,
    timestamp: at.toISOString(),
    data: {
      event_id: eventIdOf(delivery),
      enterprise,
      step: delivery.type,
      sequence: step.sequence,
      source: step.dataSource,
      attempt: delivery.attempts,
      delayed: now - at.getTime() > DELIVERY_LIMITS.liveAgeMsMax,
      call: {
        ...told,
        unique_id: uniqueId,
        merged_into: uniqueId === call.unique_id ? null : call.unique_id,
        extra: extra_data ?? {},
      },
      participants: participants as WebhookBody["data"]["participants"],
    },
  };
}
