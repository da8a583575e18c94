import type { Logger } from "../../shared/log.ts";

export interface LinkState {
  state: "connecting" | "ok" | "unreachable" | "refused";
  sinceMs: number;
  problem: string | null;
  lastAckAt: number | null;
  /** How long the last answer took, ms, and how far the server's clock is ahead of this machine's. */
  latencyMs: number | null;
  clockAheadMs: number | null;
}

/** How it stands with the server, as the last answer told. Says once when it changes. */
export class Link {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #linked: () => void;
  #state: LinkState;

  /** @param linked called when the server answers again. */
  constructor(log: Logger, nowMs: () => number, linked: () => void) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#linked = linked;
    this.#state = {
      state: "connecting",
      sinceMs: nowMs(),
      problem: null,
      lastAckAt: null,
      latencyMs: null,
      clockAheadMs: null,
    };
  }

  get state(): LinkState {
    return this.#state;
  }

  get ok(): boolean {
    return this.#state.state === "ok";
  }

  /** `serverMs` is the server's clock in its answer, half way through the `latencyMs` it took. */
  answered(latencyMs: number, serverMs: number): void {
    const again = !this.ok;
    if (again) this.#log.info({ downMs: this.#nowMs() - this.#state.sinceMs }, "the server answers");
    this.#become("ok", null);
    const now = this.#nowMs();
    this.#state = {
      ...this.#state,
      lastAckAt: now,
      latencyMs,
      clockAheadMs: Math.round(serverMs - now + latencyMs / 2),
    };
    if (again) this.#linked();
  }

  broke(state: "unreachable" | "refused", problem: string): void {
    if (this.#state.problem !== problem) this.#log.warn({ problem }, "the server takes no events");
    this.#become(state, problem);
  }

  #become(state: LinkState["state"], problem: string | null): void {
    const sinceMs = state === this.#state.state ? this.#state.sinceMs : this.#nowMs();
    this.#state = { ...this.#state, state, sinceMs, problem };
  }
}
