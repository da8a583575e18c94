import { header, type AmiEvent } from "../../shared/ami-event.ts";

/** A call as the agent saw it pass: enough to see that it is seen. The server tells what it was. Times in epoch ms. */
export interface SeenCall {
  linkedid: string;
  started_at: number;
  ended_at: number | null;
  from: string;
  to: string;
  answered: boolean;
  channels: number;
}

const ENDED_KEPT_MAX = 200;
/** A PBX that lost its Hangups must not fill the memory. */
const RUNNING_MAX = 2_000;

interface Running extends SeenCall {
  open: Set<string>;
}

/** Follows calls by their first Linkedid, in memory only. */
export class CallWatch {
  readonly #running = new Map<string, Running>();
  readonly #ofChannel = new Map<string, string>();
  readonly #ended: SeenCall[] = [];
  readonly #listeners = new Set<(call: SeenCall) => void>();
  #day = "";
  #today = 0;

  /** Calls begun on the local day of the last event. */
  get today(): { day: string; count: number } {
    return { day: this.#day, count: this.#today };
  }

  get running(): number {
    return this.#running.size;
  }

  /** What an earlier run of the agent had counted. */
  resume({ day, count }: { day: string; count: number }): void {
    this.#day = day;
    this.#today = count;
  }

  onChange(listener: (call: SeenCall) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Newest first. */
  last(count: number): SeenCall[] {
    const running = [...this.#running.values()].map(seen);
    return [...this.#ended, ...running].toSorted((a, b) => b.started_at - a.started_at).slice(0, count);
  }

  see(event: AmiEvent, nowMs: number): void {
    const channel = header(event, "Uniqueid");
    if (event.Event === "Newchannel") this.#begin(event, channel, nowMs);
    else if (event.Event === "BridgeEnter" && header(event, "BridgeNumChannels") === "2") this.#answered(channel);
    else if (event.Event === "Hangup") this.#hangup(channel, nowMs);
  }

  #begin(event: AmiEvent, channel: string | undefined, nowMs: number): void {
    const linkedid = header(event, "Linkedid") ?? channel;
    if (channel === undefined || linkedid === undefined) return;
    let call = this.#running.get(linkedid);
    if (call === undefined) {
      if (this.#running.size >= RUNNING_MAX) return;
      call = {
        ...named(event),
        linkedid,
        started_at: nowMs,
        ended_at: null,
        answered: false,
        channels: 0,
        open: new Set(),
      };
      this.#running.set(linkedid, call);
      this.#count(nowMs);
    }
    call.channels++;
    call.open.add(channel);
    this.#ofChannel.set(channel, linkedid);
    this.#tell(call);
  }

  #answered(channel: string | undefined): void {
    const call = this.#callOf(channel);
    if (call === undefined || call.answered) return;
    call.answered = true;
    this.#tell(call);
  }

  #hangup(channel: string | undefined, nowMs: number): void {
    const call = this.#callOf(channel);
    if (call === undefined || channel === undefined) return;
    this.#ofChannel.delete(channel);
    call.open.delete(channel);
    if (call.open.size > 0) return;
    call.ended_at = nowMs;
    this.#running.delete(call.linkedid);
    this.#ended.push(seen(call));
    if (this.#ended.length > ENDED_KEPT_MAX) this.#ended.shift();
    this.#tell(call);
  }

  #callOf(channel: string | undefined): Running | undefined {
    const linkedid = channel === undefined ? undefined : this.#ofChannel.get(channel);
    return linkedid === undefined ? undefined : this.#running.get(linkedid);
  }

  #count(nowMs: number): void {
    const day = localDay(nowMs);
    if (day !== this.#day) this.#today = 0;
    this.#day = day;
    this.#today++;
  }

  #tell(call: Running): void {
    for (const listener of this.#listeners) listener(seen(call));
  }
}

export function localDay(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function named(event: AmiEvent): { from: string; to: string } {
  const known = (name: string) => {
    const value = header(event, name);
    return value === undefined || value === "<unknown>" ? "" : value;
  };
  return { from: known("CallerIDNum"), to: known("Exten") };
}

function seen({ linkedid, started_at, ended_at, from, to, answered, channels }: Running): SeenCall {
  return { linkedid, started_at, ended_at, from, to, answered, channels };
}
