import { chatsFor } from "../deliver/telegram/route.ts";
import type { NewDelivery } from "../store/insertDeliveries.ts";
import type { NewHangup } from "../store/telegram/oweCards.ts";
import type { NewStepRow } from "../store/writeSteps.ts";
import type { Writing } from "./writing.ts";

/** Names of the enterprise's chats that are to be told of a step, as far as the call is known. */
export function chatsOfStep({ call, standing, retold }: Writing, stepType: string): string[] {
  const { delivery, directory } = retold.touched.site;
  if (!delivery.telegram) return [];
  const { callType, callStatus, mainExtension, participants, extra, startTime } = call;
  const rung = participants.map(({ extension }) => extension);
  const isFinal = standing.state === "final" && stepType === "hangup";
  return chatsFor(delivery.chats, {
    callType,
    did: typeof extra["did"] === "string" ? extra["did"] : null,
    extensions: mainExtension === null ? rung : [mainExtension, ...rung],
    missed: isFinal && callType === "incoming" && callStatus !== "answered",
    startedAt: startTime,
    timezone: directory.timezone,
  });
}

/** One delivery for each of these chats. */
export function cardsOf(row: NewStepRow, enterpriseId: string, chats: readonly string[]): NewDelivery[] {
  const { callId, uniqueId, siteId, leg, type, nth } = row;
  return chats.map((target) => {
    return { enterpriseId, callId, uniqueId, siteId, leg, type, nth, channel: "telegram", target };
  });
}

/** What a hangup means for cards that are there already: also one that no chat is to be alerted of. */
export function hangupOf({ call, retold }: Writing, { row, toldBefore }: HangupStep): NewHangup[] {
  const { enterpriseId, delivery } = retold.touched.site;
  if (row.type !== "hangup" || !delivery.telegram || toldBefore) return [];
  const answered = call.callStatus === "answered" && call.callType !== "internal";
  const { callId, uniqueId, siteId, leg, nth } = row;
  return [
    {
      enterpriseId,
      callId,
      uniqueId,
      siteId,
      leg,
      nth,
      answeredNumber: answered ? call.phoneNumber : null,
      startedAt: call.startTime,
      callbackMsMax: delivery.callbackMsMax,
    },
  ];
}

interface HangupStep {
  row: NewStepRow;
  toldBefore: boolean;
}
