import type { WireProblem } from "../../shared/wire.ts";

/** A request that is not accepted: its HTTP status and the body that says why. Nothing of it was stored. */
export class Refusal extends Error {
  readonly status: number;
  readonly problem: WireProblem;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, problem: WireProblem, retryAfterSeconds?: number) {
    super(problem.message);
    this.name = "Refusal";
    this.status = status;
    this.problem = problem;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export function tooLarge(message: string, place: { line?: number; seq?: number } = {}): Refusal {
  return new Refusal(413, { error: "too_large", message, ...place });
}

export function malformed(message: string, place: { line?: number; seq?: number } = {}): Refusal {
  return new Refusal(422, { error: "malformed", message, ...place });
}

export function busy(message: string, retryAfterSeconds: number): Refusal {
  return new Refusal(503, { error: "busy", message }, retryAfterSeconds);
}
