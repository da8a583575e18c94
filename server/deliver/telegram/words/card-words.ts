/** The texts of a card. `{name}` stands for what is put in, already escaped. */
export interface CardWords {
  incoming: string;
  outgoing: string;
  internal: string;
  missed: string;
  hidden: string;
  toDid: string;
  queue: string;
  ringing: string;
  talking: string;
  transferred: string;
  onHold: string;
  answered: string;
  answeredOutside: string;
  talked: string;
  waited: string;
  rang: string;
  nobodyRang: string;
  /** After an extension whose phone was not registered. */
  offline: string;
  more: string;
  busy: string;
  noAnswer: string;
  failed: string;
  voicemail: string;
  calledBack: string;
  calledAgain: string;
  somebody: string;
  /** {nth}: from nthOf. */
  history: string;
  lastAnsweredBy: string;
  recording: string;
  handled: string;
  handle: string;
  nowHandled: string;
  alreadyHandled: string;
  notThisCard: string;
  joined: string;
  test: string;
  nthOf: (count: number) => string;
}
