import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** A file of a log that is rotated: itself, or an older one. */
export interface Sibling {
  path: string;
  size: number;
  modifiedMs: number;
}

/** Rotated files looked at, newest first; who keeps more reads the rest with a wider `download`. */
const SIBLINGS_MAX = 200;
const UNREADABLE = /\.(?:bz2|xz|zst|lzo|zip|tmp|swp|bak)$|~$/;

/** The log and what rotation made of it (`Master.csv.1`, `Master.csv-20260101.gz`, ...), oldest first. */
export function siblingsOf(path: string): Sibling[] {
  const [folder, name] = [dirname(path), basename(path)];
  const names = listed(folder).filter(
    (each) => each === name || (/^[.-]/.test(each.slice(name.length)) && each.startsWith(name)),
  );
  return names
    .filter((each) => !UNREADABLE.test(each))
    .flatMap((each) => siblingAt(join(folder, each)))
    .toSorted((a, b) => a.modifiedMs - b.modifiedMs || Number(a.path === path) - Number(b.path === path))
    .slice(-SIBLINGS_MAX);
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function siblingAt(path: string): Sibling[] {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size > 0 ? [{ path, size: found.size, modifiedMs: found.mtimeMs }] : [];
}
