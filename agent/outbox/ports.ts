import type { Capture } from "../capture.ts";
import type { Clock } from "../clock.ts";

/** What goes to the agent's log. */
export type Note = (level: "info" | "warn" | "error", text: string, fields: Record<string, unknown>) => void;

/** What the keeper of the outbox has from outside. */
export interface KeeperPorts {
  clock: Clock;
  capture: Capture;
  note: Note;
}
