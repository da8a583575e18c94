import { chatsFor } from "../deliver/telegram/route.ts";
import type { NewDelivery, Urgency } from "../store/insertDeliveries.ts";
import type { NewHangup } from "../store/telegram/oweCards.ts";
import type { NewStepRow } from "../store/writeSteps.ts";
import type { Writing } from "./writing.ts";

/** Names of the enterprise's chats that are to be told of a step, as far as the call is known. */
export function chatsOfStep(writing: Writing, stepType: string): string[] {
  const { call, retold } = writing;
  const { delivery, directory } = retold.touched.site;
  if (!delivery.telegram) return [];
  const { callType, mainExtension, participants, extra, startTime } = call;
  const rung = participants.map(({ extension }) => extension);
  return chatsFor(delivery.chats, {
    callType,
    did: typeof extra["did"] === "string" ? extra["did"] : null,
    extensions: mainExtension === null ? rung : [mainExtension, ...rung],
    missed: tellsMissed(writing, stepType),
    startedAt: startTime,
    timezone: directory.timezone,
  });
}

/** How soon a chat is told of a step when many wait. */
export function urgencyOf(writing: Writing, stepType: string): Urgency {
  if (tellsMissed(writing, stepType)) return 0;
  return stepType === "dial" || stepType === "bridge" ? 2 : 1;
}

function tellsMissed({ call: { callType, callStatus }, standing }: Writing, stepType: string): boolean {
  return standing.state === "final" && stepType === "hangup" && callType === "incoming" && callStatus !== "answered";
}

/** One delivery for each of these chats. */
export function cardsOf(
  row: NewStepRow,
  enterpriseId: string,
  chats: readonly string[],
  urgency: Urgency,
): NewDelivery[] {
  const { callId, uniqueId, siteId, leg, type, nth } = row;
  return chats.map((target) => {
    return { enterpriseId, callId, uniqueId, siteId, leg, type, nth, channel: "telegram", target, urgency };
  });
}

/** What a hangup means for cards that are there already: also one that no chat is to be alerted of. */
export function hangupOf(writing: Writing, { row, toldBefore }: HangupStep): NewHangup[] {
  const { call, retold } = writing;
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
      urgency: urgencyOf(writing, row.type),
    },
  ];
}

interface HangupStep {
  row: NewStepRow;
  toldBefore: boolean;
}
