import { createHash } from "node:crypto";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { RingpostError } from "../../../shared/errors.ts";
import { ARCHIVE_MAGIC, readArchive, readPrelude, type Namespace } from "./archive.ts";
import { readBson } from "./bson.ts";
import { openBytes, type ByteReader } from "./bytes.ts";
import { readJson } from "./json.ts";
import type { Bounds, Position, Source, SourceChunk } from "./source.ts";

export interface FileSelection {
  path: string;
  db?: string | undefined;
  collection?: string | undefined;
}

type Format = "bson" | "archive" | "json";

/** How much of a file's beginning, with its size, tells it from another. */
const FINGERPRINT_BYTES = 1024 * 1024;
const BSON_FILE = /\.bson(\.gz)?$/;

/** A dump folder, an archive, a `.bson` or an export; which one is told by what is in it, not by its name. */
export async function openFileSource(selection: FileSelection): Promise<Source> {
  const path = await fileOf(selection);
  const { format, namespaces } = await formatOf(path);
  const namespace = format === "archive" ? chosen(namespaces, selection, path) : undefined;
  const size = (await stat(path)).size;
  const readers = new Set<ByteReader>();
  return {
    name: namespace === undefined ? `file:${path}` : `file:${path}#${namespace.db}.${namespace.collection}`,
    fingerprint: await fingerprintOf(path, size),
    total: { documents: null, bytes: size },
    read: (from, bounds) => readFile(path, format, namespace, from, bounds, readers),
    close: () => Promise.resolve(readers.forEach((reader) => reader.close())),
  };
}

async function* readFile(
  path: string,
  format: Format,
  namespace: Namespace | undefined,
  from: Position | null,
  bounds: Bounds,
  readers: Set<ByteReader>,
): AsyncGenerator<SourceChunk> {
  const reader = await openBytes(path, Number(from?.["offset"] ?? 0));
  readers.add(reader);
  try {
    if (namespace === undefined) yield* format === "bson" ? readBson(reader, bounds) : readJson(reader, bounds, from);
    else {
      if (from === null) await readPrelude(reader);
      yield* readArchive(reader, namespace, bounds, from);
    }
  } finally {
    reader.close();
    readers.delete(reader);
  }
}

async function formatOf(path: string): Promise<{ format: Format; namespaces: Namespace[] }> {
  const reader = await openBytes(path);
  try {
    await reader.has(4);
    const start = reader.peek();
    if (start.length >= 4 && start.readUInt32LE(0) === ARCHIVE_MAGIC) {
      return { format: "archive", namespaces: await readPrelude(reader) };
    }
    const text = start
      .toString("utf8", 0, 64)
      .replace(/^\ufeff/, "")
      .trimStart();
    return { format: start.length === 0 || /^[[{]/.test(text) ? jsonUnlessBson(start) : "bson", namespaces: [] };
  } finally {
    reader.close();
  }
}

/** A document of 91 or 123 bytes begins like JSON does; but its length is followed by zeros. */
function jsonUnlessBson(start: Buffer): Format {
  return start.length >= 4 && start[2] === 0 && start[3] === 0 ? "bson" : "json";
}

async function fileOf(selection: FileSelection): Promise<string> {
  const path = await realpath(selection.path).catch((cause: unknown) => {
    throw unusable(selection.path, "there is nothing", "Name a dump folder, an archive, a .bson or an export.", cause);
  });
  if (!(await stat(path)).isDirectory()) return path;
  const files = (await readdir(path, { recursive: true })).filter((name) => BSON_FILE.test(name)).sort();
  const wanted = files.filter((name) => isWanted(name, path, selection));
  if (wanted.length === 1) return join(path, wanted[0] ?? "");
  const found = wanted.length === 0 ? `none of its collections is meant (${list(files)})` : `it holds ${list(wanted)}`;
  throw unusable(path, found, "Say which one with --db and --collection.");
}

function isWanted(file: string, folder: string, { db, collection }: FileSelection): boolean {
  const parts = file.split("/");
  const name = basename(file).replace(BSON_FILE, "");
  const database = parts.at(-2) ?? basename(folder);
  if (collection === undefined && (name.startsWith("system.") || name === "oplog")) return false;
  return (db === undefined || db === database) && (collection === undefined || collection === name);
}

function chosen(namespaces: readonly Namespace[], selection: FileSelection, path: string): Namespace {
  const { db, collection } = selection;
  const wanted = namespaces.filter(
    (one) =>
      (db === undefined || one.db === db) &&
      (collection === undefined ? !one.collection.startsWith("system.") : one.collection === collection),
  );
  if (wanted.length === 1 && wanted[0] !== undefined) return wanted[0];
  const names = list(namespaces.map((one) => `${one.db}.${one.collection}`));
  throw unusable(path, `the archive holds ${names}`, "Say which one with --db and --collection.");
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(", ");
  if (names.length === 0) return "nothing";
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

async function fingerprintOf(path: string, size: number): Promise<string> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FINGERPRINT_BYTES), 0, FINGERPRINT_BYTES, 0);
    return `${size}:${createHash("sha256").update(buffer.subarray(0, bytesRead)).digest("hex").slice(0, 32)}`;
  } finally {
    await file.close();
  }
}

function unusable(on: string, found: string, next: string, cause?: unknown): RingpostError {
  const failure = {
    code: "source_unusable",
    attempted: "open what is to be imported",
    on,
    found,
    retry: "no" as const,
  };
  return new RingpostError({ ...failure, next, ...(cause === undefined ? {} : { cause }) });
}
