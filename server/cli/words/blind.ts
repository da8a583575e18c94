/** Texts of `gaps` and `coverage`. */
export const blindEn = {
  aboutGaps: "when sites were blind, why, what it cost, and what repaired it",
  aboutCoverage: "how much of each day each site was seen",
  optFromSpan: "from this time on, such as 2026-11-24 or 2026-11-24T09:30; the enterprise's time zone unless given",
  optToSpan: "up to this time",
  optUnrepaired: "only what was not repaired",
  noGaps: "no gaps",
  noCoverage: "no site was heard yet",
  colFrom: "from",
  colTo: "to",
  colLasted: "lasted",
  colCause: "cause",
  colLost: "events lost",
  colRepaired: "repaired",
  colDetail: "details",
  colDay: "day",
  colSeenShare: "seen",
  colBlind: "not seen",
  stillBlind: "still blind",
  notKnown: "not known",
  notRepaired: "no",
  askedInVain: (at: string) => `no, asked for ${at}`,
  gapCause: (cause: string) => GAP_CAUSES_EN[cause] ?? cause,
  repairedBy: (by: string) => REPAIRED_EN[by] ?? by,
};

export const blindRu: typeof blindEn = {
  aboutGaps: "когда площадки были слепы, почему, чего это стоило и чем восполнено",
  aboutCoverage: "какая доля каждого дня видна на каждой площадке",
  optFromSpan: "с этого времени, например 2026-11-24 или 2026-11-24T09:30; часовой пояс предприятия, если не указан",
  optToSpan: "до этого времени",
  optUnrepaired: "только невосполненное",
  noGaps: "пробелов нет",
  noCoverage: "ни одна площадка ещё не была на связи",
  colFrom: "с",
  colTo: "по",
  colLasted: "длилось",
  colCause: "причина",
  colLost: "потеряно событий",
  colRepaired: "восполнено",
  colDetail: "подробности",
  colDay: "день",
  colSeenShare: "видно",
  colBlind: "не видно",
  stillBlind: "ещё не видно",
  notKnown: "неизвестно",
  notRepaired: "нет",
  askedInVain: (at) => `нет, запрошено ${at}`,
  gapCause: (cause) => GAP_CAUSES_RU[cause] ?? cause,
  repairedBy: (by) => REPAIRED_RU[by] ?? by,
};

const GAP_CAUSES_EN: Readonly<Record<string, string>> = {
  agent_down: "agent down",
  ami_lost: "AMI lost",
  asterisk_down: "Asterisk down",
  asterisk_restarted: "Asterisk restarted",
  outbox_full: "outbox full",
  outbox_corrupt: "outbox damaged",
  outbox_lost: "outbox lost",
  set_aside: "event refused",
  rights_missing: "AMI rights missing",
  unheard: "agent not heard",
};

const GAP_CAUSES_RU: Readonly<Record<string, string>> = {
  agent_down: "агент не работал",
  ami_lost: "нет связи с AMI",
  asterisk_down: "Asterisk не работал",
  asterisk_restarted: "Asterisk перезапущен",
  outbox_full: "буфер агента полон",
  outbox_corrupt: "буфер агента повреждён",
  outbox_lost: "буфер агента потерян",
  set_aside: "событие не принято",
  rights_missing: "не хватает прав AMI",
  unheard: "агент молчит",
};

const REPAIRED_EN: Readonly<Record<string, string>> = {
  received: "came after all",
  cel: "from Asterisk's CEL",
  cdr: "from Asterisk's CDR",
};

const REPAIRED_RU: Readonly<Record<string, string>> = {
  received: "дошло позже",
  cel: "из CEL Asterisk",
  cdr: "из CDR Asterisk",
};
