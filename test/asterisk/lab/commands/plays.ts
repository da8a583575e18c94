import pc from "picocolors";
import { RingpostError } from "../../../../shared/errors.ts";
import { play } from "../play.ts";
import { record } from "../record.ts";
import type { Scenario } from "../scenario.ts";
import { SCENARIOS, scenarioNamed } from "../scenarios/index.ts";
import type { SipLeg } from "../sip/wire-legs.ts";
import { type Truth, truthOf } from "../truth/truth.ts";
import { say, upAll } from "./lifecycle.ts";
import type { CommonOptions } from "./options.ts";

export async function playCommand({ releases, json }: CommonOptions, name: string): Promise<void> {
  const scenario = find(name);
  const running = await upAll(releases);
  say(`${scenario.name}: ${scenario.note}`);
  const truths = await Promise.all(running.map(async (pbx) => truthOf(pbx.release, await play(pbx, scenario))));
  if (json) console.log(JSON.stringify(truths));
  else truths.forEach(tell);
  failWhenWrong(truths);
}

export async function recordCommand({ releases, json }: CommonOptions, name: string, as = name): Promise<void> {
  const scenario = find(name);
  const running = await upAll(releases);
  say(`${scenario.name}: ${scenario.note}`);
  const recorded = await Promise.all(running.map((pbx) => record(pbx, scenario, as)));
  if (json) console.log(JSON.stringify(recorded));
  for (const { folder, truth } of json ? [] : recorded) {
    tell(truth);
    console.log(`written to ${folder}`);
  }
  failWhenWrong(recorded.map(({ truth }) => truth));
}

function find(name: string): Scenario {
  const scenario = scenarioNamed(name);
  if (scenario !== undefined) return scenario;
  throw new RingpostError({
    code: "lab_scenario",
    attempted: "play a scenario",
    on: name,
    found: "no scenario of this name",
    retry: "no",
    next: `choose one of: ${SCENARIOS.map((one) => one.name).join(", ")}`,
  });
}

function failWhenWrong(truths: readonly Truth[]): void {
  if (truths.some(({ checks_failed }) => checks_failed.length > 0)) process.exitCode = 1;
}

function tell(truth: Truth): void {
  console.log(pc.bold(`Asterisk ${truth.asterisk}, ${truth.scenario}`));
  for (const leg of truth.sip_legs) console.log(`  ${legLine(leg, truth.sip_legs[0]?.invite ?? leg.invite)}`);
  for (const call of truth.calls) {
    const people = call.participants.map(
      ({ extension, status, disconnect_reason }) => `${extension} ${status} (${disconnect_reason})`,
    );
    console.log(
      `  ${call.label}: ${call.direction} ${call.call_status}, talk ${call.talk} s; ${people.join(", ") || "nobody rung"}`,
    );
  }
  if (truth.checks_failed.length === 0) return console.log(pc.green("  SIPp, CDR and CEL agree with the script"));
  for (const failed of truth.checks_failed) console.log(pc.red(`  ${failed}`));
}

function legLine(leg: SipLeg, zero: number): string {
  const at = (time: number | undefined): string => (time === undefined ? "" : `${(time - zero).toFixed(1)} s`);
  const parts = [
    `${at(leg.invite)} ${leg.kind === "uac" ? "calls" : "is called"}`,
    leg.answer === undefined ? "" : `answered ${at(leg.answer)}`,
    leg.cancel === undefined ? "" : `cancelled ${at(leg.cancel)}`,
    leg.final === undefined ? "" : `${leg.final} ${at(leg.finalAt)}`,
    leg.bye === undefined ? "" : `BYE by ${leg.byeBy} ${at(leg.bye)}`,
  ];
  return `${leg.who.padEnd(8)} ${parts.filter(Boolean).join(", ")}`;
}
