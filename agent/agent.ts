import type { AmiEvent } from "../shared/ami-event.ts";
import type { RingpostError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import type { AgentReport, WindowReport } from "../shared/wire.ts";
import type { Blindness } from "./ami/blindness.ts";
import type { KnownStart } from "./ami/facts.ts";
import { AmiSession, type Remembered } from "./ami/session.ts";
import { STALL_TICK_MS, StallMeter } from "./ami/stall.ts";
import { Capture } from "./capture.ts";
import { BOOT, type Clock } from "./clock.ts";
import { ControlSocket } from "./control/socket.ts";
import { statusOf } from "./control/status.ts";
import type { AgentStatus } from "./control/agent-status.ts";
import { Watch } from "./control/watch.ts";
import { Forwarder } from "./forward/forwarder.ts";
import { heardText, readHeard, silentSince, type Moment } from "./heard.ts";
import { KeyRenewal, presentKey } from "./key.ts";
import { gap } from "./markers.ts";
import { Losses } from "./outbox/losses.ts";
import { Outbox } from "./outbox/outbox.ts";
import type { Opened } from "./outbox/protocol.ts";
import { Repair } from "./recover/repair.ts";
import { ASTERISK_CONF, isLoopback, type Settings } from "./settings.ts";
import { instantOf, readSilence, silenceText } from "./silence.ts";
import { sleep } from "./sleep.ts";
import { AGENT_VERSION } from "./version.ts";

const AGENT_NAME = `ringpost-agent/${AGENT_VERSION}`;
const MEGABYTE = 1024 * 1024;
const DAY_MS = 86_400_000;
/** Of the 5 s a stop may take: what the server gets to take the last events, and the rest for the disk. */
const DRAIN_MS_MAX = 3_000;
const CLOCK_AHEAD_MS_TOLD = 5_000;
/** A session that is connected asks Asterisk every ten seconds. */
const SILENT_MS_MAX = 60_000;
const STORED_MS_MAX = 2_000;

export interface AgentPorts {
  clock: Clock;
  random: () => number;
  log: Logger;
  /** The agent cannot go on. */
  failed(error: RingpostError): void;
}

/** The whole agent: AMI -> capture -> outbox -> forward, and a socket that tells how it is. */
export class Agent {
  readonly #settings: Settings;
  readonly #ports: AgentPorts;
  readonly #startedAt: number;
  readonly #stall: StallMeter;
  readonly #losses = new Losses();
  readonly #capture: Capture;
  readonly #outbox: Outbox;
  readonly #forwarder: Forwarder;
  readonly #session: AmiSession;
  readonly #watch: Watch;
  readonly #renewal: KeyRenewal;
  readonly #control: ControlSocket;
  readonly #repair: Repair;
  #stallTimer: NodeJS.Timeout | undefined;
  #started = false;
  #heardAtMono = 0;

  constructor(settings: Settings, ports: AgentPorts) {
    const { clock, random, log } = ports;
    const { server, ami, live } = settings;
    this.#settings = settings;
    this.#ports = ports;
    this.#startedAt = clock.wallMs();
    this.#stall = new StallMeter(clock.monoMs());
    this.#capture = new Capture(clock, this.#stall);
    const gapRow = (lost: Parameters<typeof gap>[0]) => {
      const told = gap(lost);
      this.#watch.seeGap(told);
      return this.#capture.row(told);
    };
    const gapTold = (marker: AmiEvent) => this.#watch.seeGap(marker);
    this.#outbox = new Outbox(outboxSettings(settings), { log, gapRow, gapTold, failed: ports.failed });
    this.#forwarder = new Forwarder(
      {
        url: server.url,
        key: presentKey(settings),
        caFile: server.ca_file,
        windowMs: live.window_seconds * 1000,
        agent: AGENT_NAME,
      },
      { clock, random, log, outbox: this.#outbox, report: () => this.#report(), files: this.#fileWindows() },
    );
    this.#session = new AmiSession(ami, {
      clock,
      random,
      log,
      take: (events) => this.#take(events),
      ageMs: (event) => this.#capture.ageMs(event),
      heard: (aheadMs) => this.#heard(aheadMs),
      silent: (blindness) => this.#outbox.remember("silence", silenceText(blindness, BOOT)),
      started: (start) => this.#outbox.remember("asterisk_start", JSON.stringify(start)),
      changed: () => this.#forwarder.reportChanged(),
      blindEnded: (fromMs, toMs) => this.#repair.blindEnded(fromMs, toMs),
    });
    this.#watch = new Watch({ clock, remember: (key, text) => this.#outbox.remember(key, text) });
    this.#repair = new Repair(repairSettings(settings), {
      clock,
      random,
      log,
      report: () => this.#report(),
      pbxAheadMs: () => this.#capture.pbxAheadMs,
      isLinked: () => this.#forwarder.link.ok,
      blind: () => this.#watch.blind.periods,
      outbox: () => this.#outbox.state,
      remember: (text) => this.#outbox.remember("repair", text),
      tell: (marker) => this.#tell(marker),
      changed: () => this.#forwarder.reportChanged(),
    });
    this.#renewal = new KeyRenewal(settings, { log, use: (key) => this.#useKey(key) });
    this.#control = new ControlSocket(settings.outbox.path, {
      status: () => this.status(),
      watch: this.#watch,
      look: () => this.#outbox.look(),
      check: (from) => this.#outbox.check(from),
    });
  }

  /** Resolves when the agent runs; AMI and server may come and go from then on. @throws RingpostError without an outbox. */
  async start(): Promise<void> {
    const { log } = this.#ports;
    const opened = await this.#outbox.open();
    this.#stallTimer = setInterval(() => this.#tick(), STALL_TICK_MS);
    this.#watch.resume(opened.remembered);
    await this.#control.listen();
    this.#repair.start(opened.remembered["repair"]);
    this.#session.start(remembered(opened, momentOf(this.#ports.clock)));
    this.#forwarder.start(opened);
    this.#renewal.start();
    this.#started = true;
    log.info({ version: AGENT_VERSION, stream: opened.state.stream, waiting: opened.state.waiting }, "the agent runs");
  }

  /** Stops hearing, sends what is young, writes what is left. Takes 5 s at most, and as long as a stalled disk takes. */
  async stop(): Promise<void> {
    if (this.#started) {
      await this.#session.stop();
      await this.#repair.stop();
      await this.#outbox.settled();
      await this.#forwarder.stop(DRAIN_MS_MAX);
    }
    clearInterval(this.#stallTimer);
    this.#renewal.stop();
    await this.#control.close();
    await this.#outbox.close();
    this.#ports.log.info({ waiting: this.#outbox.state?.waiting }, "the agent has stopped");
  }

  status(): AgentStatus {
    const { server, ami, outbox } = this.#settings;
    const state = this.#outbox.state;
    if (state === null) throw new Error("the status was asked before the outbox was open");
    return statusOf({
      version: AGENT_VERSION,
      startedAt: this.#startedAt,
      nowMs: this.#ports.clock.wallMs(),
      amiAddress: `${ami.host}:${ami.port}`,
      ami: this.#session.state,
      clockAheadMs: this.#capture.pbxAheadMs,
      url: server.url,
      link: this.#forwarder.link.state,
      path: outbox.path,
      outbox: state,
      lostBefore: this.#outbox.lostBefore,
      drainSeconds: this.#forwarder.drainSeconds,
      outboxBytesMax: outbox.max_mb * MEGABYTE,
      watch: this.#watch,
      monoMs: this.#ports.clock.monoMs(),
      repair: this.#repair.status,
    });
  }

  /** Whether capture and commit both go on. One that waits for a full disk at its start is known to wait. */
  async advances(): Promise<boolean> {
    if (!this.#started) return true;
    await this.#outbox.look();
    const silentMs = this.#ports.clock.monoMs() - this.#heardAtMono;
    return this.#session.state.state !== "connected" || silentMs < SILENT_MS_MAX;
  }

  #tick(): void {
    const monoMs = this.#ports.clock.monoMs();
    this.#stall.tick(monoMs);
    const lost = (this.#outbox.state?.lost ?? 0) + this.#outbox.lostBefore;
    if (this.#losses.isOver(lost, monoMs)) this.#session.lookAgain();
  }

  #take(events: readonly AmiEvent[]): void {
    this.#watch.see(events);
    this.#repair.see(events);
    this.#outbox.submit(events.map((event) => this.#capture.row(event)));
  }

  /** Resolves when the marker has its seq, or when the disk keeps it waiting. */
  async #tell(marker: AmiEvent): Promise<void> {
    this.#take([marker]);
    await Promise.race([this.#outbox.settled(), sleep(STORED_MS_MAX)]);
  }

  #useKey(key: string): void {
    this.#forwarder.useKey(key);
    this.#repair.useKey(key);
  }

  /** The forwarder is made before the repair, which needs its link. */
  #fileWindows() {
    return {
      asked: (id: string, from: number, to: number) => this.#repair.asked(id, from, to),
      windows: (reports: readonly WindowReport[]) => this.#repair.windows(reports),
    };
  }

  #heard(aheadMs: number | undefined): void {
    this.#heardAtMono = this.#ports.clock.monoMs();
    if (aheadMs !== undefined) this.#capture.measuredPbxClock(aheadMs);
    this.#outbox.remember("heard", heardText(momentOf(this.#ports.clock)));
  }

  #report(): AgentReport {
    const { state, asteriskVersion } = this.#session.state;
    const problem = this.#problem();
    return {
      ami: state,
      ...(asteriskVersion === undefined ? {} : { asterisk_version: asteriskVersion.slice(0, 200) }),
      ...(problem === undefined ? {} : { problem: problem.slice(0, 2_000) }),
      outbox_bytes: this.#outbox.state?.usedBytes ?? 0,
    };
  }

  #problem(): string | undefined {
    const aheadMs = this.#capture.pbxAheadMs;
    const clock = `the PBX's clock is ${Math.round(aheadMs / 1000)} s ahead of the agent's (negative: behind). Set up time synchronisation`;
    return (
      this.#outbox.state?.problem ??
      this.#session.state.problem ??
      (Math.abs(aheadMs) >= CLOCK_AHEAD_MS_TOLD ? clock : undefined)
    );
  }
}

function outboxSettings({ outbox }: Settings) {
  return {
    path: outbox.path,
    keepAckedMsMax: outbox.keep_acked_days * DAY_MS,
    keepAckedBytesMax: outbox.keep_acked_mb * MEGABYTE,
    bytesMax: outbox.max_mb * MEGABYTE,
    ageMsMax: outbox.max_days * DAY_MS,
  };
}

function repairSettings(settings: Settings) {
  const { server, ami, recover } = settings;
  const isLocal = isLoopback(ami.host) || recover.root !== "" || recover.asterisk_conf !== ASTERISK_CONF;
  const site = /^rp_(\d+)_/.exec(server.key)?.[1] ?? "";
  const { url, ca_file: caFile } = server;
  return { ...recover, isLocal, site, url, caFile, key: presentKey(settings), agent: AGENT_NAME };
}

function momentOf(clock: Clock): Moment {
  return { wallMs: clock.wallMs(), monoMs: clock.monoMs(), boot: BOOT };
}

function remembered({ remembered: known, newest }: Opened, now: Moment): Remembered {
  const start = known["asterisk_start"];
  const told = readSilence(known["silence"], now);
  const heardAt = silentSince(readHeard(known["heard"]), newest, now);
  const untold: Blindness | undefined =
    heardAt === undefined ? undefined : [{ since: instantOf(heardAt, now), cause: "agent_down" }];
  return {
    blind: told ?? untold,
    start: start === undefined ? undefined : (JSON.parse(start) as KnownStart),
    wasTold: told !== undefined,
  };
}
