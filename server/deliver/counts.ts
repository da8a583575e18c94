/** Is told what the engine does, for whoever counts it. */
export interface DeliveryCounts {
  attempt(channel: string, outcome: "sent" | "retry" | "dead" | "superseded"): void;
  /** A first attempt succeeded so long after its step was owed. */
  sent(channel: string, seconds: number): void;
}
