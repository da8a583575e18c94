import type { AmiEvent } from "../../shared/ami-event.ts";
import type { CallEvent } from "../../server/assemble/index.ts";

/** A channel of a written call. */
export interface Channel {
  name: string;
  id: string;
  linkedid: string;
}

interface Birth {
  /** Linkedid; its own id when absent. */
  of?: Channel;
  number?: string;
  context?: string;
  exten?: string;
}

const EPOCH_SECONDS = 1_700_000_000;

/** Writes the AMI events of a call that was never recorded, in the shape Asterisk gives them. */
export class Script {
  readonly events: CallEvent[] = [];
  private now = EPOCH_SECONDS * 1000;
  private count = 0;

  /** Lets time pass. */
  wait(seconds: number): this {
    this.now += seconds * 1000;
    return this;
  }

  at(): number {
    return this.now;
  }

  say(Event: string, headers: Record<string, string | string[]> = {}): this {
    const ev: AmiEvent = { Event, ...headers };
    this.events.push({ stream: 1, seq: this.events.length + 1, at: this.now, origin: "live", ev });
    return this;
  }

  /** A channel that calls in (state Ring). */
  arrives(name: string, birth: Birth = {}): Channel {
    return this.born(name, birth, "4");
  }

  /** A channel Asterisk makes to reach someone. */
  made(name: string, birth: Birth = {}): Channel {
    return this.born(name, birth, "0");
  }

  /** Both halves of a Local channel. */
  local(name: string, of: Channel, context = "routes"): [Channel, Channel] {
    const one = this.made(`${name};1`, { of, context });
    const two = this.born(`${name};2`, { of, context }, "4");
    const halves = { LocalOneChannel: one.name, LocalOneUniqueid: one.id, LocalOneLinkedid: of.id };
    this.say("LocalBridge", {
      ...halves,
      LocalTwoChannel: two.name,
      LocalTwoUniqueid: two.id,
      LocalTwoLinkedid: of.id,
    });
    return [one, two];
  }

  private born(name: string, { of, number = "", context = "default", exten = "s" }: Birth, state: string): Channel {
    const id = `${EPOCH_SECONDS}.${this.count++}`;
    const channel = { name, id, linkedid: of?.linkedid ?? id };
    this.about("Newchannel", channel, { ChannelState: state, CallerIDNum: number, Context: context, Exten: exten });
    return channel;
  }

  about(Event: string, channel: Channel, headers: Record<string, string> = {}): this {
    return this.say(Event, { Channel: channel.name, Uniqueid: channel.id, Linkedid: channel.linkedid, ...headers });
  }

  dials(caller: Channel | null, dest: Channel, dialString: string, headers: Record<string, string> = {}): this {
    return this.say("DialBegin", { ...between(caller, dest), DialString: dialString, ...headers });
  }

  dialEnds(caller: Channel | null, dest: Channel, DialStatus: string): this {
    return this.say("DialEnd", { ...between(caller, dest), DialStatus });
  }

  answers(caller: Channel, dest: Channel): this {
    this.about("Newstate", dest, { ChannelState: "6" });
    return this.dialEnds(caller, dest, "ANSWER");
  }

  joins(bridge: string, ...channels: Channel[]): this {
    for (const channel of channels) this.about("BridgeEnter", channel, { BridgeUniqueid: bridge });
    return this;
  }

  leaves(bridge: string, ...channels: Channel[]): this {
    for (const channel of channels) this.about("BridgeLeave", channel, { BridgeUniqueid: bridge });
    return this;
  }

  hangsUp(channel: Channel): this {
    return this.about("HangupRequest", channel);
  }

  gone(cause: number, ...channels: Channel[]): this {
    for (const channel of channels) this.about("Hangup", channel, { Cause: String(cause) });
    return this;
  }
}

function between(caller: Channel | null, dest: Channel): Record<string, string> {
  const from = caller === null ? {} : { Channel: caller.name, Uniqueid: caller.id };
  return { ...from, DestChannel: dest.name, DestUniqueid: dest.id };
}
