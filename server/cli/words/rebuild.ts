/** Texts of `rebuild`. */
export const rebuildEn = {
  aboutRebuild: "assemble calls again, by today's settings and today's rules, and show what changes; sends nothing",
  optFrom:
    "calls that began at this time or later, such as 2026-11-24 or 2026-11-24T09:30; the enterprise's time zone unless given",
  optTo: "calls that began before this time",
  rebuildNoSite: (site: number) => `there is no site ${site}; see: site list`,
  rebuildCall: (uniqueId: string, site: number, start: string) => `call ${uniqueId}, site ${site}, ${start}`,
  rebuildMerged: (uniqueId: string) => `takes in call ${uniqueId}`,
  rebuildSplit: (uniqueId: string) => `a call of its own, no longer part of ${uniqueId}`,
  rebuildParticipant: (place: number, extension: string) => `participant ${place} (${extension})`,
  rebuildStep: (type: string, leg: string, nth: number) => `step ${type} ${nth} of ${leg}`,
  rebuildNew: "is new",
  rebuildGone: "goes",
  rebuildNothing: "(nothing)",
  rebuilt: (calls: number, changed: number) =>
    `${calls} ${calls === 1 ? "call" : "calls"} assembled again, ${changed} changed`,
  rebuildWould: (calls: number, changed: number) =>
    `${calls} ${calls === 1 ? "call" : "calls"} assembled again, ${changed} would change; nothing was written`,
  rebuildMoved: (merged: number, split: number) => `${merged} merged, ${split} split`,
  rebuildLeft: (count: number) => `${count} left as they are`,
  rebuildSkipped: (uniqueId: string, site: number, why: string, detail: string) =>
    `call ${uniqueId}, site ${site}, left as it is: ${why} (${detail})`,
  skipReasons: {
    events_gone: "the raw log was cleared before the call was final",
    no_channels: "no channel shows",
    not_ended: "it was final",
    too_entangled: "too many calls hang together",
    failed: "the database refused it",
  },
  rebuildStopped: "Stopped. What was done stays; the same command does the rest.",
  callsOf: (done: number, total: number) => `${done} of ${total} calls`,
  fromAfterTo: "--from must lie before --to",
};

export const rebuildRu: typeof rebuildEn = {
  aboutRebuild: "собрать звонки заново по нынешним настройкам и правилам и показать, что меняется; ничего не рассылает",
  optFrom: "звонки, начавшиеся с этого времени, например 2026-11-24 или 2026-11-24T09:30; без пояса: время предприятия",
  optTo: "звонки, начавшиеся до этого времени",
  rebuildNoSite: (site) => `нет площадки ${site}; см. site list`,
  rebuildCall: (uniqueId, site, start) => `звонок ${uniqueId}, площадка ${site}, ${start}`,
  rebuildMerged: (uniqueId) => `вбирает звонок ${uniqueId}`,
  rebuildSplit: (uniqueId) => `отдельный звонок, больше не часть ${uniqueId}`,
  rebuildParticipant: (place, extension) => `участник ${place} (${extension})`,
  rebuildStep: (type, leg, nth) => `шаг ${type} ${nth} канала ${leg}`,
  rebuildNew: "появляется",
  rebuildGone: "исчезает",
  rebuildNothing: "(пусто)",
  rebuilt: (calls, changed) => `собрано заново звонков: ${calls}, изменилось: ${changed}`,
  rebuildWould: (calls, changed) => `собрано заново звонков: ${calls}, изменилось бы: ${changed}; ничего не записано`,
  rebuildMoved: (merged, split) => `слилось: ${merged}, разделилось: ${split}`,
  rebuildLeft: (count) => `оставлено как есть: ${count}`,
  rebuildSkipped: (uniqueId, site, why, detail) =>
    `звонок ${uniqueId}, площадка ${site}, оставлен как есть: ${why} (${detail})`,
  skipReasons: {
    events_gone: "журнал событий очищен раньше, чем звонок закончился",
    no_channels: "не видно ни одного канала",
    not_ended: "он уже был завершён",
    too_entangled: "слишком много звонков связано между собой",
    failed: "база данных не приняла",
  },
  rebuildStopped: "Остановлено. Сделанное остаётся; та же команда сделает остальное.",
  callsOf: (done, total) => `звонков: ${done} из ${total}`,
  fromAfterTo: "--from должно быть раньше --to",
};
