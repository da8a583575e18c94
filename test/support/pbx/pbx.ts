import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Capture, PbxVersion } from "./capture.ts";
import { ChannelTable } from "./channels.ts";
import { Door, type DoorAnswer } from "./door.ts";
import { startLoad, type Load, type LoadOptions } from "./load.ts";
import { startPlay, type Play, type PlayOptions, type Stage } from "./play.ts";
import { insertAfterPrivilege, prepare, type Prepared, type Timestamps } from "./prepared.ts";
import { RECOMMENDED_RIGHTS, type AmiUser } from "./rights.ts";
import type { Shift } from "./rewrite.ts";
import { Session, type SessionWorld } from "./session.ts";

export const DEMO_USER: AmiUser = { username: "ringpost", secret: "stand-in", ...RECOMMENDED_RIGHTS };
/** Long enough a life that no play begins before it. */
const UPTIME_AT_START_SECONDS = 86_400;
const VERSIONS: Record<PbxVersion, { ami: string; asterisk: string }> = {
  "16": { ami: "5.0.4", asterisk: "16.28.0~dfsg-0+deb11u4" },
  "22": { ami: "11.0.0", asterisk: "22.10.0" },
};

export interface PbxOptions {
  /** 0 (default) takes a free one. */
  port?: number;
  host?: string;
  version?: PbxVersion;
  users?: readonly AmiUser[];
  /** manager.conf's `timestampevents`; null (default) leaves captures as they are. */
  timestamps?: Timestamps;
  /** Adds SequenceNumber to every event, as Asterisk does with AMI debugging: lets a test count what was owed. */
  sequenceNumbers?: boolean;
  /** manager.conf's `writetimeout`. Default 100, like Asterisk; null never drops a slow reader. */
  writeTimeoutMs?: number | null;
  now?: () => number;
  /** Told of every event that was given to at least one client, with its SequenceNumber (0 without). */
  onEvent?: (event: { sequence: number; name: string; text: string }) => void;
}

/**
 * A PBX as far as AMI shows one: it replays recorded calls to whoever logs in, answers what a real one answers, and
 * can be made to misbehave. Loopback only.
 */
export class Pbx {
  readonly channels = new ChannelTable();
  readonly #options: PbxOptions;
  readonly #world: SessionWorld & { refuseLogins: boolean; bootedAtSeconds: number };
  readonly #door: Door;
  readonly #running = new Set<{ stop(): void }>();
  readonly #stage: Stage;
  #sessions: Session[] = [];
  #loginWaiters: ((session: Session) => void)[] = [];
  #counter = 1;
  #serial = 1;
  #bridge = 1;
  #sequence = 0;
  #cutNext = false;
  #paused = false;
  #held: PromiseWithResolvers<void> | null = null;

  constructor(options: PbxOptions) {
    this.#options = options;
    const now = options.now ?? Date.now;
    const { ami, asterisk } = VERSIONS[options.version ?? "22"];
    this.#world = {
      amiVersion: ami,
      asteriskVersion: asterisk,
      channels: this.channels,
      bootedAtSeconds: Math.floor(now() / 1000) - UPTIME_AT_START_SECONDS,
      users: options.users ?? [DEMO_USER],
      refuseLogins: false,
      writeTimeoutMs: options.writeTimeoutMs === undefined ? 100 : options.writeTimeoutMs,
      now,
      onLogin: (session) => {
        for (const wake of this.#loginWaiters.splice(0)) wake(session);
      },
    };
    this.#door = new Door(options.host ?? "127.0.0.1", (socket) => this.#welcome(socket));
    this.#stage = this.#makeStage();
  }

  async listen(): Promise<void> {
    await this.#door.open(this.#options.port ?? 0);
  }

  get port(): number {
    return this.#door.port;
  }

  /** Clients logged in now. */
  get clients(): number {
    return this.#live().length;
  }

  /** Resolves when a client is logged in and has asked what channels exist (or `snapshot: false`: is logged in). */
  async clientReady({ snapshot = true, timeoutMs = 30_000 } = {}): Promise<void> {
    const until = Date.now() + timeoutMs;
    const asked = (session: Session) => session.asked.has("coreshowchannels") && session.asked.has("status");
    while (!this.#live().some((session) => !snapshot || asked(session))) {
      if (Date.now() > until) throw new Error(`Nobody logged in to the PBX stand-in within ${timeoutMs} ms.`);
      await sleep(10);
    }
  }

  /** Plays a capture once; several may overlap. Resolves when it has begun. */
  async play(capture: Capture, options: PlayOptions = {}): Promise<Play> {
    const play = await startPlay(this.#prepare(capture), options, this.#stage);
    this.#track(play);
    return play;
  }

  /** Plays a capture of one call again and again, many times a second. */
  load(capture: Capture, options: LoadOptions): Load {
    const load = startLoad(this.#prepare(capture), options, this.#stage);
    this.#track(load);
    return load;
  }

  /** Sends one event of the caller's own making (headers as Asterisk writes them, Privilege included). */
  send(headers: Record<string, string>): void {
    const text = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#emit(headers["Event"] ?? "", Buffer.from(`${text.join("")}\r\n`).toString("latin1"));
  }

  /** From now on logins are refused as with a wrong secret (or accepted again). */
  refuseLogins(refuse: boolean): void {
    this.#world.refuseLogins = refuse;
  }

  /** What answers at the port from the next connection on. */
  answerAs(answer: DoorAnswer): void {
    this.#door.answer = answer;
  }

  /** The next event reaches each client only by half; then the connection closes. */
  cutNextEvent(): void {
    this.#cutNext = true;
  }

  /** Stops sending, answers included, without closing anything; what would be sent waits. */
  stall(): void {
    this.#paused = true;
    for (const session of this.#sessions) session.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const session of this.#sessions) session.resume();
  }

  /** The plays wait, as if no call did anything for a while; their Timestamps stay those of the recording. */
  hold(): void {
    this.#held ??= Promise.withResolvers<void>();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  /** Sends so many valid events at once, without looking whether anybody keeps up. */
  flood(events: number): void {
    for (let n = 1; n <= events; n++) {
      this.send({ Event: "DeviceStateChange", Privilege: "call,all", Device: `PJSIP/flood-${n}`, State: "NOT_INUSE" });
    }
  }

  /** Hangs up on every client: in good order, or by a reset that throws away what was on its way. */
  dropClients(how: "fin" | "reset"): void {
    for (const session of this.#sessions) {
      if (how === "fin") session.end();
      else session.kill();
    }
  }

  /** Asterisk dies and comes back as a new process: all channels are gone, the port is closed meanwhile. */
  async restart({ downMs = 0, bootedAtSeconds = Math.floor(this.#world.now() / 1000) } = {}): Promise<void> {
    this.channels.clear();
    this.dropClients("fin");
    const port = this.#door.port;
    await this.#door.close();
    await sleep(downMs);
    this.#world.bootedAtSeconds = bootedAtSeconds;
    await this.#door.open(port);
  }

  /** Ends every play and hangs up on everybody. */
  async stop(): Promise<void> {
    for (const running of this.#running) running.stop();
    this.release();
    for (const session of this.#sessions) session.kill();
    await this.#door.close();
  }

  #welcome(socket: Socket): void {
    const session = new Session(socket, this.#world);
    if (this.#paused) session.pause();
    this.#sessions.push(session);
  }

  #live(): Session[] {
    this.#sessions = this.#sessions.filter((session) => !session.closed);
    return this.#sessions.filter((session) => session.user !== null && !session.leaving);
  }

  #emit(name: string, text: string): void {
    this.channels.apply(name, text);
    const sequence = this.#options.sequenceNumbers === true ? ++this.#sequence : 0;
    const sent = sequence === 0 ? text : insertAfterPrivilege(text, `SequenceNumber: ${sequence}`);
    const clients = this.#live();
    if (this.#cutNext && clients.length > 0) {
      this.#cutNext = false;
      for (const session of clients) session.cut(sent);
      return;
    }
    const heard = clients.filter((session) => session.event(sent)).length > 0;
    if (heard) this.#options.onEvent?.({ sequence, name, text: sent });
  }

  #prepare(capture: Capture): Prepared {
    return prepare(capture, this.#options.timestamps ?? null);
  }

  #track(running: { stop(): void; done: Promise<void> }): void {
    this.#running.add(running);
    void running.done.finally(() => this.#running.delete(running));
  }

  #claim(prepared: Prepared, ids: "fresh" | "captured"): Pick<Shift, "counter" | "serial" | "bridge"> {
    if (ids === "captured") return { counter: 0, serial: 0, bridge: 0 };
    const { counterMin, counterMax, serialMin, serialMax } = prepared.footprint;
    const claimed = { counter: this.#counter - counterMin, serial: this.#serial - serialMin, bridge: this.#bridge++ };
    this.#counter += counterMax - counterMin + 1;
    this.#serial += serialMax - serialMin + 1;
    return claimed;
  }

  #makeStage(): Stage {
    return {
      now: this.#world.now,
      emit: (name, text) => this.#emit(name, text),
      released: () => this.#held?.promise ?? Promise.resolve(),
      addExisting: (text) => this.channels.applyExisting(text),
      drainedTo: async (bytes) => {
        await Promise.all(this.#live().map((session) => session.drainedTo(bytes)));
      },
      claim: (prepared, ids) => this.#claim(prepared, ids),
      relogin: (timeoutMs) => this.#relogin(timeoutMs),
      restart: async (bootedAtSeconds, downMs, timeoutMs) => {
        const hadClients = this.clients > 0;
        await Promise.all(this.#live().map((session) => session.drainedTo(0)));
        await this.restart({ bootedAtSeconds, downMs });
        if (hadClients) await this.clientReady({ timeoutMs });
      },
    };
  }

  async #relogin(timeoutMs: number): Promise<() => Promise<void>> {
    const knock = new Promise<Session>((resolve) =>
      this.#loginWaiters.push((session) => {
        session.pause();
        resolve(session);
      }),
    );
    this.dropClients("fin");
    const session = await Promise.race([knock, sleep(timeoutMs, null, { ref: false })]);
    if (session === null) throw new Error(`Nobody logged in again to the PBX stand-in within ${timeoutMs} ms.`);
    return () => {
      session.resume();
      return this.clientReady({ timeoutMs });
    };
  }
}

/** Starts a PBX stand-in on loopback; `await pbx.stop()` ends it. */
export async function startPbx(options: PbxOptions = {}): Promise<Pbx> {
  const pbx = new Pbx(options);
  await pbx.listen();
  return pbx;
}
