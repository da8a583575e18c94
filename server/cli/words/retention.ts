/** Texts of `retention`. */
export const retentionEn = {
  aboutRetention:
    "drop the raw log, the steps of calls and records that are too old; calls and hangups stay; the server does it every hour",
  aboutRetentionShow: "how long things are kept",
  aboutRetentionSet: "change how long things are kept, for the whole database; what is not given stays",
  optDryDrop: "only show what would be dropped",
  nothingExpired: "nothing is too old",
  retentionSetNothing: "nothing to change: give --log, --steps or --records",
  expired: { would: "would be dropped", dropped: "dropped", busy: "in use, dropped another time" },
  colPartition: "partition or table",
  colUntil: "older than",
  colSize: "size",
  colOutcome: "",
  colKept: "kept",
  colDays: "days",
  keptLog: "the raw log of events (ami_events)",
  keptSteps: "steps of calls that are no hangups",
  keptRecords: "markers of sites, downloads, rejected events, cards in chats",
  megabytes: (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MB`,
  rowCount: (count: number) => `${count} rows`,
};

export const retentionRu: typeof retentionEn = {
  aboutRetention:
    "удалить слишком старые журнал событий, шаги звонков и записи; звонки и завершения остаются; сервер делает это каждый час",
  aboutRetentionShow: "что сколько хранится",
  aboutRetentionSet: "изменить сроки хранения, для всей базы; что не указано, остаётся",
  optDryDrop: "только показать, что было бы удалено",
  nothingExpired: "слишком старого нет",
  retentionSetNothing: "нечего менять: укажите --log, --steps или --records",
  expired: { would: "было бы удалено", dropped: "удалено", busy: "занято, будет удалено в другой раз" },
  colPartition: "раздел или таблица",
  colUntil: "старше",
  colSize: "размер",
  colOutcome: "",
  colKept: "хранится",
  colDays: "дней",
  keptLog: "журнал событий (ami_events)",
  keptSteps: "шаги звонков, кроме завершений",
  keptRecords: "отметки площадок, докачки, отвергнутые события, карточки в чатах",
  megabytes: (bytes) => `${(bytes / 1_048_576).toFixed(1)} МБ`,
  rowCount: (count) => `строк: ${count}`,
};
