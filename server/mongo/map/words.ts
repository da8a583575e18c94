import type { CallStatus, CallType, DisconnectReason, ParticipantStatus, StepType } from "../../../shared/call.ts";

/** Words old systems, Asterisk and people (English, Russian) have for ours, compared without case, spaces, `_` and `-`. */
const CALL_TYPE: Record<CallType, string> = {
  incoming: "incoming in inbound income inc received from external 0 входящий входящие вход вх входящийзвонок",
  outgoing:
    "outgoing out outbound outcome outg dialed dialout external 1 исходящий исходящие исход исх исходящийзвонок",
  internal: "internal local int inner intercom 2 внутренний внутренние внутр вн внутреннийзвонок",
};

const CALL_STATUS: Record<CallStatus, string> = {
  answered:
    "answered answer success successful succeeded ok up completed complete connected talk talked bridged " +
    "отвечен отвеченный отвечено принят принятый успешный успешно состоялся разговор ответ ответил",
  no_answer:
    "noanswer noanswered unanswered notanswered missed cancel canceled cancelled abandoned timeout ring ringing lost nocall " +
    "declinedbycaller неотвечен неотвеченный неотвечено неответ нетответа пропущен пропущенный пропущено отменен отменён " +
    "сброшен неуспешный неуспешно",
  busy: "busy userbusy declined rejected reject dnd donotdisturb занят занято отклонен отклонён отклонено",
  failed:
    "failed fail failure error congestion chanunavail unavailable unreachable invalid invalidargs notfound " +
    "ошибка неудача сбой недоступен недоступно перегрузка",
};

const PARTICIPANT_STATUS: Record<ParticipantStatus, string> = {
  answered: CALL_STATUS.answered,
  busy: CALL_STATUS.busy,
  no_answer: `${CALL_STATUS.no_answer} ${CALL_STATUS.failed} answeredelsewhere`,
  dialing: "dialing dial dialling набор вызов",
};

const STEP: Record<StepType, string> = {
  start: "start started newchannel begin began new incomingcall callstart начало старт",
  dial: "dial dialing dialbegin ring ringing dialstart набор вызов",
  bridge: "bridge bridged bridgeenter bridgecreate answer answered up link talk connect соединение разговор ответ",
  hangup:
    "hangup hangedup end ended finish finished complete completed callend конец завершен завершён завершение отбой",
};

const REASON: Record<DisconnectReason, string> = {
  caller_hangup: "callerhangup caller cancel canceled cancelled abandoned звонящий",
  callee_hangup: "calleehangup callee normal normalclearing externalhangup",
  answered_elsewhere: "answeredelsewhere elsewhere pickedup другой",
  timeout: "timeout noanswer таймаут",
  busy: "busy userbusy занят занято",
  declined: "declined rejected reject отклонен отклонён",
  unavailable: "unavailable chanunavail unregistered unreachable недоступен",
  transferred: "transferred transfer перевод переведен переведён",
  forwarded: "forwarded forward переадресация",
  parked: "parked park",
  failed: "failed fail congestion error ошибка",
  lost: "lost crash restart",
};

export interface Words {
  callType: ReadonlyMap<string, CallType>;
  callStatus: ReadonlyMap<string, CallStatus>;
  participantStatus: ReadonlyMap<string, ParticipantStatus>;
  step: ReadonlyMap<string, StepType>;
  reason: ReadonlyMap<string, DisconnectReason>;
}

export const WORDS: Words = {
  callType: table(CALL_TYPE),
  callStatus: table(CALL_STATUS),
  participantStatus: table(PARTICIPANT_STATUS),
  step: table(STEP),
  reason: table(REASON),
};

/** A word as the tables have it. */
export function plainWord(word: string): string {
  return word.toLowerCase().replace(/[\s_-]+/g, "");
}

function table<T extends string>(words: Record<T, string>): Map<string, T> {
  const out = new Map<string, T>();
  for (const ours of Object.keys(words) as T[]) {
    out.set(plainWord(ours), ours);
    for (const theirs of words[ours].split(" ")) out.set(plainWord(theirs), ours);
  }
  return out;
}

/** The tables with an installation's own words before ours. */
export function withWords<T extends string>(
  base: ReadonlyMap<string, T>,
  own: Readonly<Record<string, T>>,
): ReadonlyMap<string, T> {
  const out = new Map(base);
  for (const [word, ours] of Object.entries(own)) out.set(plainWord(word), ours);
  return out;
}
