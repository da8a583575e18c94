import logUpdate from "log-update";
import type { AmiEvent } from "../../shared/ami-event.ts";
import { EXIT } from "../../shared/errors.ts";
import type { SeenCall } from "../control/calls.ts";
import { askCalls, askGaps, follow } from "../control/ask.ts";
import { sleep } from "../sleep.ts";
import { sayRefused, type CommonOptions, type Context } from "./context.ts";
import type { Level } from "./assess.ts";
import type { Check } from "./doctor/checks.ts";
import { doctor, levelOf } from "./doctor/doctor.ts";
import { say } from "./phrases/phrases.ts";
import { fsck, outboxLook } from "./outbox.ts";
import { statusCommand } from "./status.ts";
import { remedyOf, viewCall, viewCalls, viewChecks, viewEvent, viewGaps, viewOutbox } from "./views.ts";

/** Commands that look at the agent and change nothing. Each resolves with the exit status. */

const pretty = (value: unknown) => JSON.stringify(value, null, 2);

export async function onStatus(context: Context, options: CommonOptions & { watch?: boolean }): Promise<number> {
  const { outbox } = context.settings(options);
  const json = options.json === true;
  if (options.watch === true) return watchStatus(context, outbox.path, json);
  const answer = await statusCommand(outbox.path, json, context.voice);
  context.ports.print(answer.text);
  return answer.exitStatus;
}

const WATCH_MS = 1_000;

/** The status again and again until Ctrl-C: in the same place for people, one object after the other for programs. */
async function watchStatus({ ports, voice }: Context, outboxPath: string, json: boolean): Promise<number> {
  const enough = ports.enough();
  const show = json ? (text: string) => ports.print(text) : logUpdate;
  let answer = await statusCommand(outboxPath, json, voice);
  while (!enough.aborted) {
    show(answer.text);
    await sleep(WATCH_MS, enough);
    answer = await statusCommand(outboxPath, json, voice);
  }
  if (!json) logUpdate.done();
  return answer.exitStatus;
}

export async function onDoctor(context: Context, options: CommonOptions & { root?: string }): Promise<number> {
  const { level, checks } = await examine(context, options);
  const json = () => pretty(checksForPrograms(level, checks, context));
  context.ports.print(options.json === true ? json() : viewChecks(checks, context.voice));
  return EXIT[level];
}

/** All checks, and how bad the worst is. */
export async function examine(
  context: Context,
  options: CommonOptions & { root?: string },
): Promise<{ level: Level; checks: Check[] }> {
  const settings = context.settings(options);
  const checks = await doctor(settings, context.configFile(options) ?? "environment", options.root ?? "");
  return { level: levelOf(checks), checks };
}

export function checksForPrograms(level: Level, checks: readonly Check[], { voice }: Context) {
  const told = checks.map((check) => ({
    ...check,
    title: voice.words.checks[check.name][0],
    remedy: check.result === "warn" || check.result === "fail" ? remedyOf(check, voice) : null,
  }));
  return { level, checks: told };
}

export async function onTail(context: Context, options: CommonOptions & { calls?: boolean }): Promise<number> {
  const { ports, voice } = context;
  const { outbox } = context.settings(options);
  const line = (value: unknown): string => {
    if (options.json === true) return JSON.stringify(value);
    return options.calls === true
      ? viewCall(value as SeenCall, Date.now(), voice)
      : viewEvent(value as AmiEvent, Date.now());
  };
  const enough = ports.enough();
  const request = { ask: options.calls === true ? ("tail_calls" as const) : ("tail" as const) };
  const answered = await follow(outbox.path, request, (value) => ports.print(line(value)), enough);
  if (!answered) return sayNotRunning(context, options.json);
  if (!enough.aborted) ports.complain(voice.words.ended);
  return enough.aborted ? EXIT.ok : EXIT.warning;
}

export async function onCalls(context: Context, options: CommonOptions & { last: number }): Promise<number> {
  const calls = await askCalls(context.settings(options).outbox.path, options.last);
  if (calls === null) return sayNotRunning(context, options.json);
  context.ports.print(options.json === true ? pretty(calls) : viewCalls(calls, Date.now(), context.voice));
  return EXIT.ok;
}

export async function onGaps(context: Context, options: CommonOptions): Promise<number> {
  const gaps = await askGaps(context.settings(options).outbox.path);
  if (gaps === null) return sayNotRunning(context, options.json);
  context.ports.print(options.json === true ? pretty(gaps) : viewGaps(gaps, context.voice));
  return EXIT.ok;
}

export async function onOutbox(context: Context, options: CommonOptions): Promise<number> {
  const { path } = context.settings(options).outbox;
  const { running, look } = await outboxLook(path);
  context.ports.print(
    options.json === true ? pretty({ path, running, ...look }) : viewOutbox(path, running, look, context.voice),
  );
  return look === null || look.set_aside.length > 0 ? EXIT.warning : EXIT.ok;
}

export async function onFsck(context: Context, options: CommonOptions): Promise<number> {
  const { words } = context.voice;
  const result = await fsck(context.settings(options).outbox.path);
  const failed = "failed" in result;
  const text = failed
    ? words.fsckFailed(say(result.failed, context.voice.language).text)
    : words.fsck(result.checked, result.bad.length);
  context.ports.print(options.json === true ? pretty(result) : text);
  return failed || result.bad.length > 0 ? EXIT.critical : EXIT.ok;
}

function sayNotRunning(context: Context, json: boolean | undefined): number {
  sayRefused(context, json, "not_running", context.voice.words.notRunning);
  return EXIT.critical;
}
