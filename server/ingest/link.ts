import type { Link } from "../store/findLinkedCalls.ts";
import type { SiteContext } from "./types.ts";

/** Channel ids of one site that belong to one call, and the stored calls they lead to (several: these merge). */
export interface LinkGroup {
  site: SiteContext;
  keys: string[];
  callIds: Set<number>;
  /** Ids stored already: linked to a call, or waiting for one. */
  linked: Set<string>;
  /** Stored events name these ids, but there is no call yet. */
  waiting: Set<string>;
}

interface Node extends LinkGroup {
  parent: Node | undefined;
}

/** Union-find over the channel ids of a group of batches; ids of different sites never meet. */
export class LinkBook {
  readonly #sites = new Map<number, Map<string, Node>>();

  /** Ties ids together. */
  tie(site: SiteContext, keys: readonly string[]): void {
    const [first, ...rest] = keys;
    if (first === undefined) return;
    let root = find(this.#node(site, first));
    for (const key of rest) root = join(root, find(this.#node(site, key)));
  }

  /** Notes which calls ids belong to; ids of the same call become one group. */
  know(links: readonly Link[]): void {
    const byCall = new Map<number, Node>();
    for (const { siteId, linkedid, callId } of links) {
      const node = this.#sites.get(siteId)?.get(linkedid);
      if (node === undefined) continue;
      const root = find(node);
      root.linked.add(linkedid);
      if (callId === null) {
        root.waiting.add(linkedid);
        continue;
      }
      root.callIds.add(callId);
      const other = byCall.get(callId);
      byCall.set(callId, other === undefined ? root : join(find(other), root));
    }
  }

  keys(): { siteIds: number[]; linkedids: string[] } {
    const siteIds: number[] = [];
    const linkedids: string[] = [];
    for (const [siteId, nodes] of this.#sites) {
      for (const key of nodes.keys()) {
        siteIds.push(siteId);
        linkedids.push(key);
      }
    }
    return { siteIds, linkedids };
  }

  groupOf(siteId: number, key: string): LinkGroup | undefined {
    const node = this.#sites.get(siteId)?.get(key);
    return node === undefined ? undefined : find(node);
  }

  #node(site: SiteContext, key: string): Node {
    let nodes = this.#sites.get(site.id);
    if (nodes === undefined) this.#sites.set(site.id, (nodes = new Map()));
    let node = nodes.get(key);
    if (node === undefined) nodes.set(key, (node = newNode(site, key)));
    return node;
  }
}

function newNode(site: SiteContext, key: string): Node {
  return { site, keys: [key], callIds: new Set(), linked: new Set(), waiting: new Set(), parent: undefined };
}

function find(node: Node): Node {
  let root = node;
  while (root.parent !== undefined) root = root.parent;
  for (let at = node; at !== root;) {
    const next = at.parent ?? root;
    at.parent = root;
    at = next;
  }
  return root;
}

function join(a: Node, b: Node): Node {
  if (a === b) return a;
  const [root, child] = a.keys.length >= b.keys.length ? [a, b] : [b, a];
  child.parent = root;
  root.keys.push(...child.keys);
  for (const id of child.callIds) root.callIds.add(id);
  for (const key of child.linked) root.linked.add(key);
  for (const key of child.waiting) root.waiting.add(key);
  return root;
}
