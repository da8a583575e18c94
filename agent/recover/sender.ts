import type { AgentReport, IngestHeader, WindowReport } from "../../shared/wire.ts";
import { WIRE_VERSION } from "../../shared/wire-constants.ts";
import { Backoff } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { bodyOf } from "../../shared/ami-message.ts";
import type { Poster } from "../forward/post.ts";
import { judge } from "../forward/verdict.ts";
import { wireLine } from "../outbox/origin.ts";
import { sleep } from "../sleep.ts";
import type { Portion, SentRow } from "./source.ts";

/** A request of recovered rows is cut here: one portion of huge rows becomes several. */
const REQUEST_CHARACTERS_MAX = 1024 * 1024;
const RETRY = { retryDelayMsBase: 200, retryDelayMsMax: 5_000 };

export interface SenderPorts {
  clock: Clock;
  random: () => number;
  url: string;
  agent: string;
  stopping: AbortSignal;
  report(): AgentReport;
  windows(): WindowReport[];
  /** Whether the forwarder reaches the server. */
  isLinked(): boolean;
}

/** Sends rows of Asterisk's files, each file a stream of its own, and waits until the server has them. */
export class Sender {
  readonly #poster: Poster;
  readonly #ports: SenderPorts;
  readonly #backoff: Backoff;

  constructor(poster: Poster, ports: SenderPorts) {
    this.#poster = poster;
    this.#ports = ports;
    this.#backoff = new Backoff(RETRY, ports.random);
  }

  /** Resolves when all rows are acked; returns how many the server refused for good. Ends early when the agent stops. */
  async send(portion: Portion): Promise<number> {
    let refused = 0;
    const pieces = cut(portion);
    for (let piece = pieces[0]; piece !== undefined && !this.#ports.stopping.aborted; piece = pieces[0]) {
      const done = await this.#post(piece);
      if (done === "again") await sleep(this.#backoff.failed(), this.#ports.stopping);
      else {
        this.#backoff.succeeded();
        pieces.shift();
        if (done === "split") pieces.unshift(...halves(piece));
        if (done === "refused") refused += piece.rows.length;
      }
    }
    return refused;
  }

  async #post(piece: Portion): Promise<"acked" | "again" | "split" | "refused"> {
    const { clock, url, isLinked } = this.#ports;
    if (!isLinked()) return "again";
    const mono = clock.monoMs();
    const lines = piece.rows.map(({ seq, at, ev }) =>
      wireLine(seq, { at: Math.max(0, at), mono, lag: 0, body: bodyOf(ev) }, "recovered"),
    );
    const answer = await this.#poster.post(this.#header(piece), Buffer.from(lines.join("")));
    if (answer.kind === "reply") return answer.reply.acked.length > 0 ? "acked" : "again";
    const verdict = judge(answer, piece.rows.length, url);
    if (verdict.act === "split") return "split";
    return verdict.act === "set_aside" ? "refused" : "again";
  }

  #header({ stream, span }: Portion): IngestHeader {
    const { clock, agent, report, windows } = this.#ports;
    return {
      v: WIRE_VERSION,
      stream,
      kind: "file",
      span,
      lane: "backlog",
      agent,
      sent_at: Math.max(0, clock.wallMs()),
      highest_seq: span[1],
      oldest_unacked: null,
      waiting: 0,
      windows: windows(),
      report: report(),
    };
  }
}

function cut(portion: Portion): Portion[] {
  const size = portion.rows.reduce((sum, { ev }) => sum + JSON.stringify(ev).length, 0);
  return size > REQUEST_CHARACTERS_MAX && portion.rows.length > 1 ? halves(portion).flatMap(cut) : [portion];
}

/** The second half accounts for what follows the first one's rows. */
function halves({ stream, span, rows }: Portion): Portion[] {
  const middle = Math.ceil(rows.length / 2);
  const [first, second] = [rows.slice(0, middle), rows.slice(middle)];
  const border = second[0]?.seq ?? span[1] + 1;
  const part = (from: number, to: number, some: SentRow[]): Portion => ({ stream, span: [from, to], rows: some });
  return [part(span[0], border - 1, first), part(border, span[1], second)].filter((each) => each.rows.length > 0);
}
