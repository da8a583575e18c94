import type { Release } from "./releases.ts";

/** Extensions with a phone that registers, with the name on its display. */
export const PHONES: ReadonlyMap<string, string> = new Map([
  ["150", "Іван Петренко"],
  ["151", "Olha Koval"],
  ["152", 'Sergiy "Serge" Bondar'],
  ["153", "Nina"],
  ["154", "Pavlo"],
  ["155", "Dmytro"],
  ["156", "Mobile Worker"],
  ["157", "Agent One"],
  ["158", "Agent Two"],
  ["159", "Agent Three"],
  ["160", "Voice Box"],
  ["161", "Warehouse"],
]);

/** Has an endpoint and an AOR, and never registers. */
export const UNREGISTERED = "163";

export const TRUNKS = ["trunk-a", "trunk-b"] as const;
export type Trunk = (typeof TRUNKS)[number];

/** What the enterprise's settings say of this office. */
export const OFFICE = { extensions: "^1[56]\\d$", trunks: TRUNKS } as const;

/** The loopback address of a phone or trunk; each release has its own 127.<release>.0 network. */
export function addressOf(release: Release, who: string): string {
  const trunk = TRUNKS.findIndex((name) => name === who);
  return `127.${release}.0.${trunk >= 0 ? trunk + 1 : who}`;
}

export function isTrunk(who: string): boolean {
  return TRUNKS.some((name) => name === who);
}

/** The number outside callers dial to reach what stands behind these digits (an extension, group, queue ...). */
export function did(target: string): string {
  return `0443000${target}`;
}
