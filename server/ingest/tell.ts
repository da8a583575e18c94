import { messageOf } from "../../shared/errors.ts";
import type { AssembledCall, CallEvent, CallFold, Directory } from "../assemble/index.ts";
import type { Assembler } from "./assembler.ts";

/** An event to be folded. `own`: it names a channel of the call; else it is about the whole site. */
export interface Item {
  event: CallEvent & { body?: string };
  own: boolean;
}

export interface Told {
  fold: CallFold;
  /** Undefined when no event shows a channel: then there is no call. */
  call: AssembledCall | undefined;
  /** Events the assembler threw on, with what it said; the call is told without them. */
  undigestible: Map<CallEvent, string>;
}

/**
 * Folds further items; a site's event concerns a call only while a channel of it may exist. With rows of Asterisk's own
 * files among them these must be all of the call's items: see isByTime.
 */
export function foldItems(fold: CallFold, items: readonly Item[], { foldEvent, inOrder, isOpen }: Assembler): void {
  for (const { event, own } of inOrder(items)) if (own || isOpen(fold)) foldEvent(fold, event);
}

/** A call with rows of Asterisk's own files is told by their times: nothing can be appended, it is told anew. */
export function isByTime(fold: CallFold | undefined, items: readonly Item[]): boolean {
  return fold?.hasRows === true || items.some(({ event }) => event.origin === "recovered");
}

export function readFold(fold: CallFold, directory: Directory, { readCall }: Assembler): AssembledCall | undefined {
  return fold.legs.size === 0 ? undefined : readCall(fold, directory);
}

/**
 * Tells a call from all its items in order. An event the assembler throws on is left out and the call told anew, at most
 * `undigestibleMax` times; then everything from the last culprit on is left out.
 */
export function tellCall(
  items: readonly Item[],
  directory: Directory,
  assembler: Assembler,
  undigestibleMax: number,
): Told {
  const undigestible = new Map<CallEvent, string>();
  let usable = items;
  for (;;) {
    try {
      return { ...tell(usable, directory, assembler), undigestible };
    } catch {
      const { index, reason } = culprit(usable, directory, assembler);
      const end = undigestible.size + 1 < undigestibleMax ? index + 1 : usable.length;
      for (const { event } of usable.slice(index, end)) undigestible.set(event, reason);
      usable = usable.filter((_, at) => at < index || at >= end);
    }
  }
}

function tell(items: readonly Item[], directory: Directory, assembler: Assembler): Omit<Told, "undigestible"> {
  const fold = assembler.newFold();
  foldItems(fold, items, assembler);
  return { fold, call: readFold(fold, directory, assembler) };
}

/** The last item of the shortest beginning that cannot be told, found by bisection. */
function culprit(
  items: readonly Item[],
  directory: Directory,
  assembler: Assembler,
): { index: number; reason: string } {
  let good = 0;
  let bad = items.length;
  let reason = "";
  while (bad - good > 1 || reason === "") {
    const middle = reason === "" ? bad : (good + bad) >> 1;
    try {
      tell(items.slice(0, middle), directory, assembler);
      if (reason === "") return { index: items.length - 1, reason: "cannot be told twice alike" };
      good = middle;
    } catch (error) {
      bad = middle;
      reason = messageOf(error) || "the assembler gave no reason";
    }
  }
  return { index: bad - 1, reason };
}
