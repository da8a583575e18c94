import type { Release } from "../releases.ts";

/** What every command of the lab takes. */
export interface CommonOptions {
  releases: Release[];
  json: boolean;
}
