import type { DisconnectReason } from "../../../shared/call.ts";
import type { CallFold, Leg } from "../facts/facts.ts";
import { endOf } from "../facts/site.ts";
import type { Directory, Participant } from "../types.ts";
import { roleOf, type Roles } from "./directory.ts";
import { ringReason, statusOf, talkReason } from "./endings.ts";
import type { Ring } from "./rings.ts";
import type { Shape } from "./shape.ts";
import type { Talk } from "./talk.ts";

/** One row in the making: an extension rung on one or more devices at once, or one that took the call itself. */
interface Entry {
  extension: string;
  rings: Ring[];
  /** The channel that picked the call up or took it out of the parking lot. */
  joiner: { leg: Leg; at: number; how: Record<string, unknown> } | null;
  at: number;
  order: number;
  wave: number;
}

/** What came of one device. */
interface Device {
  ring: Ring | null;
  leg: Leg | null;
  answeredAt: number | null;
  talked: boolean;
  endAt: number | null;
  reason: DisconnectReason | null;
}

/** A participant with the moment it began to talk, which orders main and last extension. */
export interface Party {
  row: Participant;
  talkedFrom: number | null;
}

export function readParties(
  fold: CallFold,
  roles: Roles,
  rings: Ring[],
  talk: Talk,
  shape: Shape,
  directory: Directory,
): Party[] {
  const entries = [...rungEntries(rings, shape), ...joinedEntries(fold, roles, rings.length)];
  entries.sort((a, b) => a.at - b.at || a.order - b.order);
  const waves = new Map<number, number>();
  return entries.map((entry, index) => {
    if (!waves.has(entry.wave)) waves.set(entry.wave, waves.size + 1);
    const devices = devicesOf(fold, entry, talk, shape);
    const party = partyOf(entry, devices, index + 1, waves.get(entry.wave) ?? 1);
    addNames(party.row, directory);
    return party;
  });
}

/** Several devices of one extension ringing at once are one row. */
function rungEntries(rings: Ring[], shape: Shape): Entry[] {
  const entries: Entry[] = [];
  const latest = new Map<string, Entry>();
  for (const [order, ring] of rings.entries()) {
    if (ring.role.is !== "extension" || shape.placingRings.has(ring)) continue;
    const { number } = ring.role;
    const key = `${ring.wave} ${number}`;
    const same = latest.get(key);
    if (same !== undefined && overlaps(same, ring)) same.rings.push(ring);
    else {
      const entry: Entry = {
        extension: number,
        rings: [ring],
        joiner: null,
        at: ring.asked.at,
        order,
        wave: ring.wave,
      };
      entries.push(entry);
      latest.set(key, entry);
    }
  }
  return entries;
}

function overlaps(entry: Entry, ring: Ring): boolean {
  return entry.rings.some((known) => (known.endAt ?? Infinity) > ring.start.at || known.attempt === ring.attempt);
}

/** Extensions nobody rang: they picked the call up, or took it out of the parking lot. */
function joinedEntries(fold: CallFold, roles: Roles, base: number): Entry[] {
  const entries: Entry[] = [];
  const add = (id: string | null, at: number, how: Record<string, unknown>): void => {
    const leg = id === null ? undefined : fold.legs.get(id);
    const role = roleOf(roles, id);
    if (leg === undefined || role.is !== "extension") return;
    const order = base + entries.length;
    entries.push({
      extension: role.number,
      rings: [],
      joiner: { leg, at, how },
      at: leg.first.at,
      order,
      wave: -1 - order,
    });
  };
  for (const pickup of fold.pickups) {
    const target = roleOf(roles, pickup.target);
    add(pickup.picker, pickup.moment.at, { picked_up_for: target.is === "extension" ? target.number : null });
  }
  for (const park of fold.parks) {
    if (park.to !== null) add(park.retriever, park.to.at, { retrieved_from: park.space });
  }
  return entries;
}

function devicesOf(fold: CallFold, entry: Entry, talk: Talk, shape: Shape): Device[] {
  if (entry.joiner !== null) return [deviceOf(fold, null, entry.joiner.leg, talk, shape, entry.joiner.at)];
  return entry.rings.map((ring) => deviceOf(fold, ring, ring.leg, talk, shape, null));
}

function deviceOf(
  fold: CallFold,
  ring: Ring | null,
  leg: Leg | null,
  talk: Talk,
  shape: Shape,
  at: number | null,
): Device {
  const span = leg === null ? undefined : talk.spans.get(leg.id);
  if (leg !== null && span !== undefined) {
    const answeredAt = at ?? answerOf(ring, leg, span.from.at);
    return {
      ring,
      leg,
      answeredAt,
      talked: true,
      endAt: putDownAt(leg),
      reason: talkReason(fold, ring, leg, talk, shape),
    };
  }
  const reason = ring === null ? null : ringReason(ring, shape);
  return {
    ring,
    leg,
    answeredAt: null,
    talked: false,
    endAt: ring?.endAt ?? (leg === null ? null : endOf(leg)),
    reason,
  };
}

/** When the phone was put down: Asterisk keeps the channel of one who hangs up on a transfer that still rings. */
function putDownAt(leg: Leg): number | null {
  const end = endOf(leg);
  const asked = leg.requests.at(-1);
  return end === null || asked === undefined ? end : Math.min(end, asked.at);
}

/** When the phone answered; null when that was before the capture began. */
function answerOf(ring: Ring | null, leg: Leg, talkedFrom: number): number | null {
  if (leg.created === null && leg.up !== null && leg.up.order === leg.first.order) return null;
  const told = ring?.dial?.status === "ANSWER" ? (ring.dial.end?.at ?? talkedFrom) : talkedFrom;
  return Math.min(leg.up?.at ?? told, told, talkedFrom);
}

function partyOf(entry: Entry, devices: Device[], ringOrder: number, wave: number): Party {
  const device = decisive(devices);
  const dialStart = entry.joiner?.leg.first.at ?? earliest(entry.rings);
  const status = device.talked ? "answered" : device.reason === null ? "dialing" : statusOf(device.reason);
  const stopped = device.talked ? device.answeredAt : rangUntil(device);
  const rang = entry.joiner === null && entry.rings.some((ring) => ring.leg !== null);
  const row: Participant = {
    extension: entry.extension,
    status,
    ringOrder,
    ringDurationSeconds: rang && status !== "dialing" ? seconds(dialStart, stopped) : null,
    dialStart,
    answerTime: device.talked ? device.answeredAt : null,
    hangupTime: device.reason === null ? null : device.endAt,
    disconnectReason: device.reason,
    info: infoOf(entry, devices, wave),
  };
  const talkedFrom = device.talked ? (device.answeredAt ?? device.leg?.first.at ?? null) : null;
  return { row, talkedFrom };
}

/** A phone that was picked up and never connected (call confirmation) rang until it was picked up. */
function rangUntil({ leg, endAt }: Device): number | null {
  return leg === null || leg.up === null || endAt === null ? endAt : Math.min(leg.up.at, endAt);
}

/** Answered wins; still ringing next; then the device that rang to the end; a refusal only when all refused. */
function decisive(devices: Device[]): Device {
  const rank = (device: Device): number => {
    if (device.talked) return 0;
    if (device.reason === null) return 1;
    if (device.reason === "unavailable" || device.reason === "failed") return 4;
    return statusOf(device.reason) === "busy" ? 3 : 2;
  };
  const [first] = devices.toSorted((a, b) => rank(a) - rank(b) || (b.endAt ?? 0) - (a.endAt ?? 0));
  if (first === undefined) throw new TypeError("a participant without a device: report this as a bug");
  return first;
}

function earliest(rings: Ring[]): number | null {
  const starts = rings.map((ring) => ring.startAt).filter((at) => at !== null);
  return starts.length === 0 ? null : Math.min(...starts);
}

function seconds(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : Math.max(0, Math.round((to - from) / 1000));
}

function infoOf(entry: Entry, devices: Device[], wave: number): Record<string, unknown> {
  const channels = devices.map((device) => device.leg?.name).filter((name) => name !== undefined);
  const info: Record<string, unknown> = { wave, ...(channels.length > 0 ? { channels } : {}) };
  if (entry.joiner !== null) Object.assign(info, entry.joiner.how);
  const forward = entry.rings.map((ring) => ring.dial?.forward ?? null).find((to) => to !== null);
  if (forward !== undefined) info["forwarded_to"] = forward;
  return info;
}

function addNames(row: Participant, directory: Directory): void {
  const known = directory.names?.get(row.extension);
  if (known?.name !== undefined) row.info["name"] = known.name;
  if (known?.department !== undefined) row.info["department"] = known.department;
}
