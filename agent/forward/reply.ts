import type { Command, IngestReply, SeqRange, WireProblem } from "../../shared/wire.ts";

/**
 * The wire's schemas for what the server says, by hand: the schema library alone would take a quarter of the memory
 * the agent may have. reply.test.ts holds these to the schemas.
 */
export function isReply(value: unknown): value is IngestReply {
  if (!isObject(value)) return false;
  const { acked, time, commands, received_to } = value;
  const ranges = Array.isArray(acked) && acked.every(isRange);
  return (
    ranges &&
    isTime(time) &&
    Array.isArray(commands) &&
    commands.every(isCommand) &&
    (received_to === undefined || isWhole(received_to, 0))
  );
}

export function isWireProblem(value: unknown): value is WireProblem {
  if (!isObject(value)) return false;
  const { error, message, line, seq } = value;
  const lineFits = line === undefined || (Number.isInteger(line) && Number(line) >= 1);
  const seqFits = seq === undefined || isWhole(seq, 1);
  return typeof error === "string" && typeof message === "string" && lineFits && seqFits;
}

/** A command of a later version is passed over by whoever obeys; here it only must be one. */
function isCommand(value: unknown): value is Command {
  if (!isObject(value) || typeof value["do"] !== "string") return false;
  if (value["do"] === "resend_ranges") return Array.isArray(value["ranges"]) && value["ranges"].every(isRange);
  if (value["do"] === "resend_window")
    return typeof value["id"] === "string" && isTime(value["from"]) && isTime(value["to"]);
  return true;
}

function isRange(value: unknown): value is SeqRange {
  return Array.isArray(value) && value.length === 2 && isWhole(value[0], 1) && isWhole(value[1], 1);
}

const EPOCH_MS_MAX = 8_640_000_000_000_000;

function isTime(value: unknown): boolean {
  return isWhole(value, 0) && Number(value) <= EPOCH_MS_MAX;
}

function isWhole(value: unknown, minimum: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= minimum;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
