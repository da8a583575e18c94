declare module "better-sqlite3/lib/database.js" {
  import type Database from "better-sqlite3";
  /** The package's class, made over whichever addon `getAddon` returns. */
  export default function createDatabase(getAddon: () => unknown, allowNativeBinding: boolean): typeof Database;
}
