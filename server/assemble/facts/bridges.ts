import type { CallEvent } from "../types.ts";
import type { CallFold, Leg, Moment } from "./facts.ts";
import { legOf, noteState } from "./legs.ts";
import { momentOf, text } from "./moment.ts";

export function onBridgeEnter(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  const bridge = text(event, "BridgeUniqueid");
  if (leg === null || bridge === null) return;
  const moment = momentOf(fold, event);
  noteState(leg, event, "", moment);
  if (isHolding(event)) fold.holdingBridges.add(bridge);
  const swapped = fold.legs.get(text(event, "SwapUniqueid") ?? "");
  if (swapped !== undefined) leave(swapped, bridge, moment);
  enter(leg, bridge, moment);
}

export function onBridgeLeave(fold: CallFold, event: CallEvent): void {
  const leg = legOf(fold, event);
  const bridge = text(event, "BridgeUniqueid");
  if (leg === null || bridge === null) return;
  const moment = momentOf(fold, event);
  if (isHolding(event)) fold.holdingBridges.add(bridge);
  if (leave(leg, bridge, moment) || leg.created !== null) return;
  // Entered before the capture began: together since the first thing seen of it, at least.
  leg.stays.push({ bridge, from: leg.first, to: moment });
}

function isHolding(event: CallEvent): boolean {
  return text(event, "BridgeTechnology") === "holding_bridge" || text(event, "BridgeType") === "parking";
}

/** A channel is in one bridge at a time: entering one ends the stay in another. */
export function enter(leg: Leg, bridge: string, moment: Moment): void {
  const open = leg.stays.at(-1);
  if (open !== undefined && open.to === null) {
    if (open.bridge === bridge) return;
    open.to = moment;
  }
  leg.stays.push({ bridge, from: moment, to: null });
}

function leave(leg: Leg, bridge: string, moment: Moment): boolean {
  const open = leg.stays.findLast((stay) => stay.bridge === bridge);
  if (open === undefined) return false;
  open.to ??= moment;
  return true;
}
