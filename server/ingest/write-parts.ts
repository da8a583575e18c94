import type { ClientBase } from "pg";
import type { StepType } from "../../shared/call.ts";
import type { Step } from "../assemble/index.ts";
import { needsOf } from "../deliver/rules.ts";
import { insertDeliveries, type NewDelivery, type Urgency } from "../store/insertDeliveries.ts";
import { deleteParticipants, insertParticipants, updateParticipants } from "../store/writeParticipants.ts";
import { deleteUnsentSteps, insertSteps, type NewStepRow, type StepRow, updateSteps } from "../store/writeSteps.ts";
import { together } from "../store/transaction.ts";
import { oweHangups, type NewHangup } from "../store/telegram/oweCards.ts";
import { cardsOf, chatsOfStep, hangupOf, urgencyOf } from "./owe-telegram.ts";
import { stepName } from "./retell.ts";
import { participantRow, stepRow, toldSteps } from "./rows.ts";
import type { SiteContext } from "./types.ts";
import type { WriteContext, Writing } from "./writing.ts";

/** Writes what differs of the participants: a row is known by its call and place in the ring order. */
export async function writeParticipants(client: ClientBase, writings: readonly Writing[]): Promise<void> {
  const added = [];
  const changed = [];
  const gone: number[] = [];
  for (const { id, call, standing, retold } of writings) {
    const known = retold.participants;
    for (const participant of call.participants) {
      const row = participantRow(id, participant, standing.incomplete);
      const before = known.get(row.ringOrder);
      const signature = JSON.stringify(row);
      if (before === undefined) added.push({ row, signature, known });
      else if (before.signature !== signature) changed.push({ ...row, id: before.id });
      if (before !== undefined) before.signature = signature;
    }
    for (const [order, { id }] of known) {
      if (order > call.participants.length) {
        gone.push(id);
        known.delete(order);
      }
    }
  }
  const [inserted] = await together([
    insertParticipants(
      client,
      added.map(({ row }) => row),
    ),
    updateParticipants(client, changed),
    deleteParticipants(client, gone),
  ]);
  const ids = new Map(inserted.map(({ id, callId, ringOrder }) => [`${callId} ${ringOrder}`, id]));
  for (const { row, signature, known } of added) {
    known.set(row.ringOrder, { id: ids.get(`${row.callId} ${row.ringOrder}`)!, signature });
  }
}

interface NewStep {
  site: Pick<SiteContext, "enterpriseId" | "delivery">;
  /** Names of the chats that are to be told. */
  chats: readonly string[];
  urgency: Urgency;
  hangups: readonly NewHangup[];
  row: NewStepRow;
  signature: string;
  known: Writing["retold"]["steps"];
}

/**
 * Writes what differs of the steps. While events may be missing none is written or changed, so that no step is ever taken
 * back.
 */
export async function writeSteps(
  client: ClientBase,
  writings: readonly Writing[],
  { receivedAt, isToldBefore = () => false }: Pick<WriteContext, "receivedAt" | "isToldBefore">,
): Promise<void> {
  const added: NewStep[] = [];
  const changed: (StepRow & { id: number; receivedTimestamp: string })[] = [];
  const gone: { id: number; type: string; receivedTimestamp: string }[] = [];
  const unneeded = new Map<number, () => void>();
  for (const writing of writings.filter(({ standing }) => !standing.incomplete)) {
    const known = writing.retold.steps;
    const told = new Set<string>();
    const news = { receivedAt, toldBefore: isToldBefore(writing.row.siteId, writing.call) };
    for (const step of toldSteps(writing.call, writing.standing)) {
      const name = stepName(step.key);
      told.add(name);
      compareStep(writing, step, name, news, { added, changed });
    }
    for (const [name, step] of known) {
      if (told.has(name)) continue;
      gone.push(step);
      unneeded.set(step.id, () => known.delete(name));
    }
  }
  const [deleted] = await together([
    deleteUnsentSteps(client, gone),
    updateSteps(client, changed),
    insertNew(client, added),
  ]);
  for (const id of deleted) unneeded.get(id)?.();
}

function compareStep(
  writing: Writing,
  step: Step,
  name: string,
  { receivedAt, toldBefore }: { receivedAt: number; toldBefore: boolean },
  to: { added: NewStep[]; changed: (StepRow & { id: number; receivedTimestamp: string })[] },
): void {
  const { id, uniqueId, row, retold } = writing;
  const { site } = retold.touched;
  const known = retold.steps;
  const made = stepRow(id, uniqueId, row.siteId, step);
  const signature = JSON.stringify(made);
  const before = known.get(name);
  if (before === undefined) {
    const callSince = retold.row?.receivedAt ?? receivedAt;
    const at = step.at - site.clockSkewMs;
    const facts = { type: step.key.type, origin: step.origin, at, callSince, toldBefore };
    const chats = chatsOfStep(writing, step.key.type);
    const needs = needsOf(facts, { ...site.delivery, telegram: chats.length > 0 }, receivedAt);
    const added = { ...made, ...needs, receivedAt };
    to.added.push({
      site,
      chats,
      urgency: urgencyOf(writing, step.key.type),
      hangups: hangupOf(writing, { row: added, toldBefore }),
      row: added,
      signature,
      known,
    });
  } else if (before.signature !== signature) {
    to.changed.push({ ...made, id: before.id, receivedTimestamp: before.receivedTimestamp });
    before.signature = signature;
  }
}

async function insertNew(client: ClientBase, added: readonly NewStep[]): Promise<void> {
  const inserted = await insertSteps(
    client,
    added.map(({ row }) => row),
  );
  const made = new Map(inserted.map((row) => [`${row.callId} ${stepName(row)}`, row]));
  for (const { row, signature, known } of added) {
    const { id, type, receivedTimestamp } = made.get(`${row.callId} ${stepName(row)}`)!;
    known.set(stepName(row), { id, type, receivedTimestamp, signature });
  }
  await insertDeliveries(client, [...added.flatMap(webhooksOf), ...added.flatMap(telegramOf)]);
  await oweHangups(
    client,
    added.flatMap(({ hangups }) => hangups),
  );
}

/** One delivery for each chat that is to be told of this step. */
function telegramOf({ row, chats, site, urgency }: NewStep): NewDelivery[] {
  return row.needsTelegram ? cardsOf(row, site.enterpriseId, chats, urgency) : [];
}

/** One delivery for each integration that asked for this step. */
function webhooksOf({ row, site: { enterpriseId, delivery } }: NewStep): NewDelivery[] {
  if (!row.needsIntegration) return [];
  const { callId, uniqueId, siteId, leg, type, nth } = row;
  const targets = delivery.integrations.filter(({ steps }) => steps.has(type as StepType));
  return targets.map(({ name }) => {
    return { enterpriseId, callId, uniqueId, siteId, leg, type, nth, channel: "webhook", target: name, urgency: 1 };
  });
}
