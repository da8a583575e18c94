import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const APT = "/etc/apt";

/**
 * The Debian mirror this machine's apt uses, for debootstrap.
 * @returns its URI, or null when apt names none (another distribution, or no apt at all).
 */
export async function debianMirror(folder = APT): Promise<string | null> {
  const names = await readdir(join(folder, "sources.list.d")).catch(() => []);
  const files = [join(folder, "sources.list"), ...names.sort().map((name) => join(folder, "sources.list.d", name))];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    const mirror = file.endsWith(".sources") ? fromDeb822(text) : fromOneLine(text);
    if (mirror !== null) return mirror;
  }
  return null;
}

/** The first Debian archive in the deb822 format (`Types:`, `URIs:` ...). */
export function fromDeb822(text: string): string | null {
  for (const paragraph of text.split(/\n\s*\n/)) {
    const uris = /^URIs:\s*(.+)$/im.exec(paragraph)?.[1]?.split(/\s+/) ?? [];
    const mirror = uris.find(isDebianArchive);
    if (mirror !== undefined) return mirror;
  }
  return null;
}

/** The first Debian archive in the one-line format (`deb [options] uri suite component`). */
export function fromOneLine(text: string): string | null {
  for (const line of text.split("\n")) {
    const uri = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)/.exec(line)?.[1];
    if (uri !== undefined && isDebianArchive(uri)) return uri;
  }
  return null;
}

function isDebianArchive(uri: string): boolean {
  return /\/debian\/?$/.test(uri);
}
