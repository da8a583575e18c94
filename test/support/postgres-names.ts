/** The migrated, empty database every test database is a copy of. */
export const TEMPLATE = "ringpost_template";

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
