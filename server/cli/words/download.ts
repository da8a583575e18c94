/** Texts of `download`. */
export const downloadEn = {
  aboutDownload: "ask a site's agent to send a window of time again, from what it retains; twice changes nothing",
  optWindowFrom: "beginning of the window, such as 2026-11-24T09:30; the enterprise's time zone unless given",
  optWindowTo: "end of the window",
  optWait: "show how far it is, until it is done",
  downloadAsked: (id: number, site: number) =>
    `download ${id}: the agent of site ${site} is asked with its next request; to wait for it: the same command with --wait`,
  downloadAskedSilent: (id: number, site: number, since: string) =>
    `download ${id}: the agent of site ${site} was last heard: ${since}. It is asked when it is heard again; this command need not run until then`,
  downloadProgress: (left: number, total: number) => `${total - left} of ${total} events`,
  downloadNotTaken: "waiting for the agent",
  downloadUnheard: (since: string) => `waiting for the agent, last heard: ${since}`,
  downloadDone: (total: number, fresh: number) =>
    `done: the agent sent ${total} events, ${fresh} of the window were new`,
  downloadRetained: (since: string) =>
    `the agent retains nothing from before ${since}: what was not here of the time before could not be had`,
  downloadNothing: "the agent retains no events: what was not here could not be had",
  downloadDatabaseAway: "the database does not answer; still trying",
  downloadGaps: (count: number) => `${count} gaps in this window were not repaired:`,
  downloadGoesOn: (id: number) => `no longer watched; download ${id} goes on by itself`,
  downloadBadWindow: "the window ends before it begins",
};

export const downloadRu: typeof downloadEn = {
  aboutDownload: "попросить агента площадки прислать промежуток времени ещё раз; повтор ничего не меняет",
  optWindowFrom: "начало промежутка, например 2026-11-24T09:30; часовой пояс предприятия, если не указан",
  optWindowTo: "конец промежутка",
  optWait: "показывать ход до конца",
  downloadAsked: (id, site) =>
    `докачка ${id}: агент площадки ${site} получит просьбу при следующем обращении; дождаться: та же команда с --wait`,
  downloadAskedSilent: (id, site, since) =>
    `докачка ${id}: агент площадки ${site} был на связи: ${since}. Он получит просьбу, когда снова появится; ждать с этой командой не нужно`,
  downloadProgress: (left, total) => `событий: ${total - left} из ${total}`,
  downloadNotTaken: "ждём агента",
  downloadUnheard: (since) => `ждём агента, был на связи: ${since}`,
  downloadDone: (total, fresh) => `готово: агент прислал событий: ${total}, новых за этот промежуток: ${fresh}`,
  downloadRetained: (since) =>
    `у агента нет ничего старше ${since}: чего не было здесь за время до этого, получить не удалось`,
  downloadNothing: "у агента не осталось событий: чего не было здесь, получить не удалось",
  downloadDatabaseAway: "база данных не отвечает; пробуем дальше",
  downloadGaps: (count) => `в этом промежутке не восполнено пробелов: ${count}`,
  downloadGoesOn: (id) => `больше не показываем; докачка ${id} идёт дальше сама`,
  downloadBadWindow: "промежуток кончается раньше, чем начинается",
};
