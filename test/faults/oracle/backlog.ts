import { Capture, NEVER_LATE } from "../../../agent/capture.ts";
import type { Clock } from "../../../agent/clock.ts";
import { Keeper } from "../../../agent/outbox/keeper.ts";
import { render } from "../../support/pbx/rewrite.ts";
import type { Random } from "../random.ts";
import { parseEvent } from "./parse.ts";
import type { CallTemplate } from "./templates.ts";

const GROUP_ROWS = 1_000;
const IDS_PER_CALL = 16;
/** Ids of the backlog's calls are far from those of the calls played meanwhile. */
const FIRST_ID = 500_000_000;
/** One call begins this long after the one before it. */
const CALL_EVERY_MS = 50;

/**
 * Writes an outbox as an agent leaves it that heard calls for hours and could not send: at least `events` rows, made by
 * the agent's own writer, so that the file is a real one. Returns how many.
 */
export function writeBacklog(
  path: string,
  options: { events: number; templates: readonly CallTemplate[]; random: Random },
): number {
  const firstAt = Date.now() - (options.events / 30) * CALL_EVERY_MS - 3_600_000;
  let at = firstAt;
  const clock: Clock = { wallMs: () => Math.floor(at), monoMs: () => Math.floor(at - firstAt) };
  const capture = new Capture(clock, NEVER_LATE);
  const mb = 1_000_000 * 1024 * 1024;
  const settings = { path, keepAckedMsMax: 1e12, keepAckedBytesMax: mb, bytesMax: mb, ageMsMax: 1e13 };
  const keeper = new Keeper(settings, { clock, capture, note: () => {} });
  let rows: ReturnType<Capture["row"]>[] = [];
  let written = 0;
  for (let call = 0; written < options.events; call++, at += CALL_EVERY_MS) {
    const template = options.random.pick(options.templates);
    const slot = FIRST_ID + call * IDS_PER_CALL;
    const ms = at - template.startedAt;
    const shift = {
      ms,
      seconds: Math.floor(ms / 1000),
      counter: slot - template.footprint.counterMin,
      serial: slot - template.footprint.serialMin,
      bridge: slot,
    };
    for (const event of template.events) rows.push(capture.row(parseEvent(render(event.tokens, shift))));
    if (rows.length < GROUP_ROWS && written + rows.length < options.events) continue;
    written += keeper.append(rows).count;
    rows = [];
  }
  keeper.close();
  return written;
}
