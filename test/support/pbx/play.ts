import { setTimeout as sleep } from "node:timers/promises";
import type { Prepared, PreparedConnection, PreparedEvent } from "./prepared.ts";
import { render, shiftId, type Shift } from "./rewrite.ts";

/** At full speed the play waits for its clients after so many events. */
const EVENTS_PER_BREATH = 64;
const CLIENT_BACKLOG_BYTES = 256 * 1024;
/** A restarted or mid-call PBX waits so long for somebody to log in before it goes on alone. */
const LOGIN_WAIT_MS = 30_000;

export interface PlayOptions {
  /** How many times faster than recorded; "full": as fast as the clients read. */
  speed?: number | "full";
  /** When the recording's first byte is to have happened, epoch ms. Default: now; at full speed see fullSpeedStart. */
  startAt?: number;
  /** "fresh" (default) gives every play its own counters and serials; "captured" keeps them, moving only the epoch. */
  ids?: "fresh" | "captured";
  /** Puts another number in the place of the caller's, everywhere. */
  phone?: { from: string; to: string };
}

/** One play of a capture, from its start on. */
export interface Play {
  name: string;
  shift: Shift;
  /** What an id of the capture is called here. */
  id(captured: string): string;
  /** Resolves when the last event was given to the clients, or the play was stopped. */
  done: Promise<void>;
  stop(): void;
}

/** What a play needs of the PBX. */
export interface Stage {
  now(): number;
  emit(name: string, text: string): void;
  addExisting(text: string): void;
  /** Resolves at once, or when nobody holds the plays any more. */
  released(): Promise<void>;
  /** Every logged-in client has no more than so many bytes waiting. */
  drainedTo(bytes: number): Promise<void>;
  /** Hangs up on everybody. Resolves when somebody logs in; what it gives answers that login, and resolves when asked. */
  relogin(timeoutMs: number): Promise<() => Promise<void>>;
  /** Asterisk goes away for a while and is a new process afterwards; waits until its client is back. */
  restart(bootedAtSeconds: number, downMs: number, timeoutMs: number): Promise<void>;
  claim(prepared: Prepared, ids: "fresh" | "captured"): Pick<Shift, "counter" | "serial" | "bridge">;
}

/** Starts a play. A capture that begins in mid-call begins when a client logs in and can ask what exists. */
export async function startPlay(prepared: Prepared, options: PlayOptions, stage: Stage): Promise<Play> {
  const abort = new AbortController();
  const claimed = stage.claim(prepared, options.ids ?? "fresh");
  let shift = shiftFor(prepared, options, stage.now(), claimed);
  const existing = prepared.connections[0]!.existing;
  if (existing.length > 0) {
    const answerLogin = await stage.relogin(LOGIN_WAIT_MS);
    shift = shiftFor(prepared, options, stage.now(), claimed);
    for (const tokens of existing) stage.addExisting(render(tokens, shift));
    await pause(prepared.startedAt + shift.ms - stage.now(), abort.signal); // what exists is listed at its own time
    await answerLogin();
  }
  return {
    name: prepared.name,
    shift,
    id: (captured) => shiftId(captured, shift),
    done: run(prepared, options, shift, { stage, signal: abort.signal }),
    stop: () => abort.abort(),
  };
}

/** Ids count in seconds, so a play begins on the recording's own fraction of a second, up to one second later. */
function shiftFor(
  prepared: Prepared,
  options: PlayOptions,
  now: number,
  claimed: Pick<Shift, "counter" | "serial" | "bridge">,
): Shift {
  const startAt = options.startAt ?? (options.speed === "full" ? fullSpeedStart(prepared, now) : now);
  const seconds = Math.ceil((startAt - prepared.startedAt) / 1000);
  return { ms: seconds * 1000, seconds, ...claimed, ...(options.phone === undefined ? {} : { phone: options.phone }) };
}

/**
 * At full speed the times of a recording are not those of the clock. They agree where the listener's own clock is part of
 * the story: when it logs in in mid-call, and when the connection breaks. Else the recording has just ended.
 */
function fullSpeedStart({ connections: [first, ...others], startedAt, endedAt }: Prepared, now: number): number {
  if (first!.existing.length > 0) return now;
  return others.length > 0 ? now - (first!.closedAt - startedAt) : now - (endedAt - startedAt) - 1000;
}

interface Run {
  stage: Stage;
  signal: AbortSignal;
}

async function run(prepared: Prepared, options: PlayOptions, shift: Shift, { stage, signal }: Run): Promise<void> {
  const speed = options.speed ?? 1;
  let beginAt = speed === 1 ? Math.max(stage.now(), prepared.startedAt + shift.ms) : stage.now();
  for (const [n, connection] of prepared.connections.entries()) {
    if (speed === "full" && n + 1 < prepared.connections.length) {
      await pause(connection.closedAt + shift.ms - stage.now(), signal); // its end is the moment of the break
    }
    if (signal.aborted) return;
    if (n > 0) {
      const downMs =
        speed === "full"
          ? Math.max(0, connection.openedAt + shift.ms - stage.now())
          : (connection.openedAt - prepared.connections[n - 1]!.closedAt) / speed;
      const bootedAt = (connection.bootedAtSeconds ?? Math.floor(connection.openedAt / 1000)) + shift.seconds;
      await stage.restart(bootedAt, downMs, LOGIN_WAIT_MS);
      beginAt = Math.max(beginAt, stage.now() - offsetMs(prepared, connection.openedAt, speed));
    }
    await playConnection(connection, shift, {
      stage,
      signal,
      dueAt: (event) => beginAt + offsetMs(prepared, event.at, speed),
      full: speed === "full",
    });
  }
}

interface Pacing extends Run {
  dueAt(event: PreparedEvent): number;
  full: boolean;
}

async function playConnection(connection: PreparedConnection, shift: Shift, pacing: Pacing): Promise<void> {
  const { stage, signal } = pacing;
  for (const [n, event] of connection.events.entries()) {
    const waitMs = pacing.full ? 0 : pacing.dueAt(event) - stage.now();
    await pause(waitMs, signal);
    if (pacing.full && n % EVENTS_PER_BREATH === 0) await stage.drainedTo(CLIENT_BACKLOG_BYTES);
    await stage.released();
    if (signal.aborted) return;
    stage.emit(event.name, render(event.tokens, shift));
  }
}

/** Ends early when the play is stopped. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => {});
}

function offsetMs(prepared: Prepared, at: number, speed: number | "full"): number {
  return speed === "full" ? 0 : (at - prepared.startedAt) / speed;
}
