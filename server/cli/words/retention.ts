/** Texts of `retention`. */
export const retentionEn = {
  aboutRetention:
    "drop the raw log and the steps of calls that are too old; hangups stay; the server does it every hour",
  optDryDrop: "only show what would be dropped",
  nothingExpired: "nothing is too old",
  expired: { would: "would be dropped", dropped: "dropped", busy: "in use, dropped another time" },
  colPartition: "partition",
  colUntil: "older than",
  colSize: "size",
  colOutcome: "",
  megabytes: (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MB`,
};

export const retentionRu: typeof retentionEn = {
  aboutRetention:
    "удалить слишком старый журнал событий и шаги звонков; завершения остаются; сервер делает это каждый час",
  optDryDrop: "только показать, что было бы удалено",
  nothingExpired: "слишком старого нет",
  expired: { would: "было бы удалено", dropped: "удалено", busy: "занято, будет удалено в другой раз" },
  colPartition: "раздел",
  colUntil: "старше",
  colSize: "размер",
  colOutcome: "",
  megabytes: (bytes) => `${(bytes / 1_048_576).toFixed(1)} МБ`,
};
