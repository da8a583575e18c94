import type { ClientBase } from "pg";
import type { CallEvent } from "../assemble/index.ts";
import type { Assembler } from "../ingest/assembler.ts";
import { LinkBook, type LinkGroup } from "../ingest/link.ts";
import type { SiteContext } from "../ingest/types.ts";
import { findLinkedCalls } from "../store/findLinkedCalls.ts";
import type { StoredCall } from "./tell.ts";

/** Ids an event ties together; none for one the assembler cannot read. */
export function keysOf({ ev }: CallEvent, { linkKeys }: Assembler): string[] {
  try {
    return linkKeys(ev);
  } catch {
    return [];
  }
}

/** Ties the ids of all events of the calls, without regard to how they are linked now. */
export function tieAll(calls: readonly StoredCall[], assembler: Assembler): LinkBook {
  const book = new LinkBook();
  for (const { touched, own } of calls) for (const event of own) book.tie(touched.site, keysOf(event, assembler));
  return book;
}

export function groupOf(
  book: LinkBook,
  site: SiteContext,
  event: CallEvent,
  assembler: Assembler,
): LinkGroup | undefined {
  const [key] = keysOf(event, assembler);
  return key === undefined ? undefined : book.groupOf(site.id, key);
}

/** The calls that are not exactly one group of ids, all of them linked to it. */
export async function isEntangled(
  client: ClientBase,
  calls: readonly StoredCall[],
  assembler: Assembler,
): Promise<Set<StoredCall>> {
  const book = tieAll(calls, assembler);
  const { siteIds, linkedids } = book.keys();
  const links = siteIds.length === 0 ? [] : await findLinkedCalls(client, siteIds, linkedids);
  const linked = new Map(links.map(({ siteId, linkedid, callId }) => [`${siteId} ${linkedid}`, callId]));
  return new Set(
    calls.filter(({ touched, own, row }) => {
      const groups = new Set(own.flatMap((event) => groupOf(book, touched.site, event, assembler) ?? []));
      const keys = [...groups].flatMap((group) => group.keys);
      return groups.size > 1 || keys.some((key) => linked.get(`${row.siteId} ${key}`) !== row.id);
    }),
  );
}
