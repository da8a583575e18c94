import type { CallFold } from "./facts/facts.ts";
import { foldEvent, hasChannels, isOpen, newFold } from "./fold.ts";
import { compareEvents, compareIds, isSiteMarker, linkKeys } from "./keys.ts";
import { inOrder } from "./recovered/order.ts";
import { readCall } from "./read.ts";
import type { AssembledCall, CallEvent, Directory } from "./types.ts";

/**
 * All calls of one site's events, given in any order and any number of times, oldest first.
 * Groups are unions over the channel ids events tie together; site markers reach every call running at their place.
 */
export function assemble(events: readonly CallEvent[], directory: Directory): AssembledCall[] {
  const calls = foldCalls(events).map((fold) => readCall(fold, directory));
  return calls.toSorted((a, b) => a.startTime - b.startTime || compareIds(a.linkedid, b.linkedid));
}

/** As assemble(), but the facts themselves. Groups without any channel are no calls and are left out. */
export function foldCalls(events: readonly CallEvent[]): CallFold[] {
  const ordered = events.toSorted(compareEvents);
  const keysOf = ordered.map((event) => linkKeys(event.ev));
  const groups = groupKeys(keysOf);
  const rootOf = (index: number): string | undefined => {
    const [key] = keysOf[index] ?? [];
    return key === undefined ? undefined : groups.find(key);
  };
  const folds = new Map<string, CallFold>();
  foldWithRows(ordered, rootOf, folds);
  const withRows = new Set(folds.keys());
  const open = new Set<CallFold>();
  for (const [index, event] of ordered.entries()) {
    if (isSiteMarker(event.ev)) tellAll(open, event);
    const root = rootOf(index);
    if (root === undefined || withRows.has(root)) continue;
    const fold = foldOf(folds, root);
    foldEvent(fold, event);
    if (event.ev.Event !== "Hangup") open.add(fold);
    else if (!isOpen(fold)) open.delete(fold);
  }
  return [...folds.values()].filter(hasChannels);
}

/** Groups with rows of Asterisk's own files are told by the rows' times, each by itself. */
function foldWithRows(
  ordered: readonly CallEvent[],
  rootOf: (index: number) => string | undefined,
  folds: Map<string, CallFold>,
): void {
  const rows = ordered.some(({ origin }) => origin === "recovered");
  if (!rows) return;
  // A conference joins people of several calls: another's row may be news for one that has none.
  const concerned = (event: CallEvent): boolean => event.origin === "recovered" || event.ev.Event === "ConfbridgeJoin";
  const roots = new Set(ordered.flatMap((event, index) => (concerned(event) ? (rootOf(index) ?? []) : [])));
  for (const root of roots) {
    const fold = foldOf(folds, root);
    const items = ordered.flatMap((event, index) => {
      const own = rootOf(index) === root;
      return own || isSiteMarker(event.ev) ? [{ event, own }] : [];
    });
    for (const { event, own } of inOrder(items)) if (own || isOpen(fold)) foldEvent(fold, event);
  }
}

function tellAll(open: Set<CallFold>, marker: CallEvent): void {
  for (const fold of open) {
    foldEvent(fold, marker);
    if (!isOpen(fold)) open.delete(fold);
  }
}

function foldOf(folds: Map<string, CallFold>, root: string): CallFold {
  const known = folds.get(root);
  if (known !== undefined) return known;
  const fold = newFold();
  folds.set(root, fold);
  return fold;
}

/** Union-find over channel ids. */
function groupKeys(all: string[][]): { find(key: string): string } {
  const parents = new Map<string, string>();
  const find = (key: string): string => {
    let root = key;
    for (let parent = parents.get(root); parent !== undefined && parent !== root; parent = parents.get(root))
      root = parent;
    for (let at = key; at !== root;) {
      const next = parents.get(at) ?? root;
      parents.set(at, root);
      at = next;
    }
    return root;
  };
  for (const [first, ...rest] of all) {
    if (first === undefined) continue;
    const root = find(first);
    parents.set(root, root);
    for (const key of rest) parents.set(find(key), root);
  }
  return { find };
}
