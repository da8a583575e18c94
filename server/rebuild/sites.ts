import type { ClientBase } from "pg";
import { readDeliverySettings } from "../deliver/settings.ts";
import { readDirectory } from "../ingest/directory.ts";
import type { SiteContext } from "../ingest/types.ts";
import { readSites } from "../store/readSites.ts";

/** Sites as calls are told with them, by what their enterprises say at this moment. */
export async function readContexts(client: ClientBase, siteIds: number[]): Promise<Map<number, SiteContext>> {
  const rows = await readSites(client, siteIds);
  return new Map(
    rows.map((row) => {
      const { id, enterpriseId, token, host, clockSkewMs, settings } = row;
      const { directory } = readDirectory(row);
      const delivery = readDeliverySettings(settings);
      return [id, { id, enterpriseId, token, host, clockSkewMs, directory, delivery }];
    }),
  );
}
