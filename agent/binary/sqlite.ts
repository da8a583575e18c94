// In the binary's bundle this stands in for the package better-sqlite3, whose own entry looks for its addon among files.
import createDatabase from "better-sqlite3/lib/database.js";
import { loadAddon } from "./addon.ts";

let addon: unknown;

export default createDatabase(() => (addon ??= loadAddon("better_sqlite3")), false);
