import type { CallEvent } from "../types.ts";
import type { ChannelKind, DialTarget } from "../names.ts";

/** When something was said: PBX time in epoch ms, the place in the fold (breaks ties), and the event that said it. */
export interface Moment {
  at: number;
  order: number;
  event: CallEvent;
}

/** A channel's time in a bridge. `to: null` is "still there". */
export interface Stay {
  bridge: string;
  from: Moment;
  to: Moment | null;
}

export interface HangupRequest {
  at: number;
  order: number;
  cause: number | null;
}

/** One channel of the call. */
export interface Leg {
  id: string;
  name: string;
  tech: string;
  peer: string;
  kind: ChannelKind;
  pair: string | null;
  half: 1 | 2 | null;
  /** From here on a masquerade has made this channel one half of a Local pair. */
  localSince: number | null;
  first: Moment;
  /** Newchannel; null when the channel is older than the capture. */
  created: Moment | null;
  /** For channels older than the capture: what the snapshot says. */
  startEstimate: number | null;
  /** Of the first sighting: transfers and outbound caller-id overwrite these later. */
  callerNumber: string | null;
  callerName: string | null;
  exten: string | null;
  context: string | null;
  /** Every number the channel called its own, in order. */
  numbers: string[];
  connectedNumber: string | null;
  dnid: string | null;
  /** It called in (state Ring), as opposed to being called. */
  placed: boolean;
  /** The snapshot says that Dial made it. */
  dialled: boolean;
  ringing: Moment | null;
  up: Moment | null;
  hangup: (Moment & { cause: number | null }) | null;
  requests: HangupRequest[];
  /** Asterisk itself ended it because it was shutting down. */
  shutDown: boolean;
  stays: Stay[];
  digits: { at: number; digit: string }[];
  heldMs: number;
  holdFrom: number | null;
  /** No Hangup was seen, and the channel cannot exist any more. */
  lost: Moment | null;
  /** The last moment at which the channel is known to have existed. */
  aliveAt: number;
  lastOrder: number;
  lastAt: number;
}

/** Someone rang a channel. */
export interface Dial {
  dest: string;
  /** The channel that dials; null for Originate. */
  caller: string | null;
  dialString: string | null;
  /** Dialplan extension the caller was in. */
  exten: string | null;
  begin: Moment | null;
  end: Moment | null;
  status: string | null;
  forward: string | null;
}

/** One run of the Dial application, as the dialplan saw it: names phones that never get a channel. */
export interface DialAttempt {
  caller: string;
  start: Moment;
  targets: DialTarget[];
  /** Its arguments as they stand in the dialplan. */
  data: string;
  /** What FreePBX's dialplan was about to ring (EXTTOCALL). */
  extToCall: string | null;
  status: string | null;
  end: Moment | null;
}

export interface Transfer {
  kind: "blind" | "attended";
  /** Every channel the transferer took part with. */
  by: string[];
  transferee: string | null;
  target: string | null;
  exten: string | null;
  moment: Moment;
}

export interface Park {
  parkee: string;
  parkerDial: string | null;
  space: string | null;
  from: Moment;
  to: Moment | null;
  retriever: string | null;
  outcome: "parked" | "retrieved" | "timeout" | "given_up";
}

export interface Pickup {
  picker: string;
  target: string;
  moment: Moment;
}

export interface QueueVisit {
  queue: string;
  leg: string;
  from: Moment;
  to: Moment | null;
  outcome: "waiting" | "connected" | "abandoned" | "left";
}

export interface Conference {
  name: string;
  bridge: string | null;
  /** Who was in it, other calls included. */
  people: { id: string; from: number; to: number | null }[];
  leg: string;
  joined: Moment;
  left: Moment | null;
  /** BridgeNumChannels at the join, the conference's announcer included. */
  channelsAtJoin: number;
}

/** What one seq range of one stream gave to the call. */
export interface StreamSpan {
  stream: number;
  firstSeq: number;
  lastSeq: number;
}

/** Facts of one call, gathered event by event. Opaque outside this folder. */
export interface CallFold {
  order: number;
  eventCount: number;
  spans: StreamSpan[];
  live: boolean;
  recovered: boolean;
  firstAt: number | null;
  lastAt: number;
  /** A clock at the call's own event folded last, and by how much it had been set back since the first. */
  clocks: Record<"pbx" | "agent", { lastAt: number; setBackMs: number }>;
  /** The call's own event that was folded last: its stream, and when the agent heard it. */
  lastOwn: { stream: number; at: number } | null;
  keys: Set<string>;
  legs: Map<string, Leg>;
  dials: Map<string, Dial>;
  attempts: DialAttempt[];
  openAttempts: Map<string, DialAttempt>;
  extToCall: Map<string, string>;
  pairs: Map<string, { one: string | null; two: string | null }>;
  /** Bridges whose members do not talk: parking lots, queues' waiting rooms. */
  holdingBridges: Set<string>;
  transfers: Transfer[];
  parks: Park[];
  pickups: Pickup[];
  queues: QueueVisit[];
  /** Queue that rang a channel. */
  agents: Map<string, { queue: string; interface: string | null; member: string | null }>;
  conferences: Conference[];
  menus: Moment[];
  voicemail: { mailbox: string | null; status: string | null; leg: string; from: number } | null;
  recordings: string[];
  /** Number an Originate was meant to connect to, and with which phone. */
  originate: { channel: string; exten: string | null; succeeded: boolean } | null;
  /** A new AMI session began at this order: what is older must be in its snapshot. */
  sessionOrder: number | null;
  /** Rows of Asterisk's own files were among its events: these are told by their times, so more events mean telling it anew. */
  hasRows: boolean;
  /** As rows tell it: channels running an application that rings others, and where in the dialplan. */
  running: Map<string, { exten: string | null }>;
  /** As rows tell it: when a channel's last Dial was over, epoch ms. */
  dialEnds: Map<string, number>;
  /** As rows tell it: channels that called in and stand where a ringing one stood: somebody picked a call up. */
  takers: Set<string>;
  /** As rows tell it: by the channel that dials, where a phone sent the call on to. */
  forwards: Map<string, { to: string; event: CallEvent }>;
}
