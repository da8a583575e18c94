/** Texts of `status`. */
export const statusEn = {
  colSeenToday: "seen today",
  optAllSites: "a line for every site, however many there are",
  siteCount: (sites: number, troubled: number) =>
    troubled === 0 ? `sites: ${sites}, all well` : `sites: ${sites}, in trouble: ${troubled}`,
  othersWell: (sites: number) => `and ${sites} more, all well; to see them: status --all`,
  unheardFor: (duration: string) => `its agent is silent for ${duration}: is it running, can it reach the server?`,
  amiTrouble: (state: string) => `its agent does not hear Asterisk (AMI ${state}); on the PBX: ringpost-agent doctor`,
  neverHeard: "its agent was never heard: is it installed and running?",
};

export const statusRu: typeof statusEn = {
  colSeenToday: "видно сегодня",
  optAllSites: "строка на каждую площадку, сколько бы их ни было",
  siteCount: (sites, troubled) =>
    troubled === 0 ? `площадок: ${sites}, всё хорошо` : `площадок: ${sites}, с неполадками: ${troubled}`,
  othersWell: (sites) => `и ещё ${sites}, там всё хорошо; показать: status --all`,
  unheardFor: (duration) => `агент молчит ${duration}: работает ли он, виден ли ему сервер?`,
  amiTrouble: (state) => `агент не слышит Asterisk (AMI ${state}); на АТС: ringpost-agent doctor`,
  neverHeard: "агент ещё ни разу не был на связи: установлен ли он, работает ли?",
};
