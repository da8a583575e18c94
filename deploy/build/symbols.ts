import { RingpostError } from "../../shared/errors.ts";
import { tool } from "./command.ts";

/** The oldest glibc the binary runs on (Debian 10, Rocky 8), and the libstdc++ that stands beside it there. */
export const OLDEST = { GLIBC: "2.28", GLIBCXX: "3.4.25", CXXABI: "1.3.11", GCC: "8.0.0" } as const;
type Library = keyof typeof OLDEST;

export interface NeededSymbol {
  name: string;
  library: Library;
  version: string;
}

/** Every versioned symbol a file wants from the system's libraries. */
export async function neededSymbols(file: string): Promise<NeededSymbol[]> {
  return parseSymbols(await tool("objdump", ["-T", file]));
}

/** From `objdump -T`: `0000 DF *UND* 0000 (GLIBC_2.28) fcntl64`. */
export function parseSymbols(table: string): NeededSymbol[] {
  const lines = table.matchAll(/\*UND\*\s+\S+\s+\(?(GLIBC|GLIBCXX|CXXABI|GCC)_([\d.]+)\)?\s+(\S+)/g);
  return [...lines].map(([, library, version = "", name = ""]) => ({ name, library: library as Library, version }));
}

/** Those that the oldest supported system does not have. */
export function tooNew(symbols: readonly NeededSymbol[]): NeededSymbol[] {
  return symbols.filter(({ library, version }) => compareVersions(version, OLDEST[library]) > 0);
}

/** @throws RingpostError naming each symbol that is too new, or when the table could not be read at all. */
export async function provePortable(file: string): Promise<{ symbols: number; newest: string }> {
  const symbols = await neededSymbols(file);
  const offending = tooNew(symbols).map(({ name, library, version }) => `${name} (${library}_${version})`);
  const fromGlibc = symbols.filter(({ library }) => library === "GLIBC").map(({ version }) => version);
  if (offending.length === 0 && fromGlibc.length > 0)
    return { symbols: symbols.length, newest: fromGlibc.toSorted(compareVersions).at(-1) ?? "" };
  throw new RingpostError({
    code: "symbols_too_new",
    attempted: `prove glibc ${OLDEST.GLIBC}`,
    on: file,
    found: offending.length > 0 ? offending.join(", ") : "no versioned symbol at all",
    retry: "no",
    next: "Add what is missing to deploy/build/old-glibc.h or old-glibc.c",
  });
}

export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number)) as [number[], number[]];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
