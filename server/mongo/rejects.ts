import { createReadStream } from "node:fs";
import { rename, unlink, writeFile, open } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { ClientBase } from "pg";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { loadBatch } from "./load/load.ts";
import { readRejects, type RejectedDocument } from "./load/rejects.ts";
import type { ImportState } from "./load/progress.ts";
import { mapBatch } from "./map/batch.ts";
import type { MappingContext } from "./map/document.ts";
import { normalDocument } from "./source/normal.ts";
import { damaged } from "./source/source.ts";

const pageRows = 500;

/** A reject as the file has it: what a person reads, mends and gives back. */
export interface RejectLine {
  key: string;
  document: JsonObject | null;
}

/** Writes all rejects of an import to a file, one JSON line each, readable by its owner alone. Returns how many. */
export async function writeRejects(client: ClientBase, importId: number, path: string): Promise<number> {
  const partial = `${path}.partial`;
  const file = await open(partial, "w", 0o600);
  let written = 0;
  try {
    for (let after = 0; ;) {
      const page = await readRejects(client, importId, after, pageRows);
      for (const one of page) await file.write(lineOf(one));
      written += page.length;
      after = page.at(-1)?.id ?? after;
      if (page.length < pageRows) break;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
  if (written === 0) await unlink(path);
  return written;
}

/** The same for a rehearsal, which has them in memory. */
export async function writeRehearsedRejects(rejects: readonly RejectedDocument[], path: string): Promise<void> {
  if (rejects.length > 0) await writeFile(path, rejects.map(lineOf).join(""), { mode: 0o600 });
}

function lineOf({ key, reason, detail, document, raw }: RejectedDocument): string {
  const what = document === null ? { raw } : { document };
  return `${JSON.stringify({ key, reason, detail, ...what })}\n`;
}

/** Takes rejects again: those kept in the database, or the lines of a file that somebody has mended. */
export async function retryRejects(
  client: ClientBase,
  state: ImportState,
  context: MappingContext,
  file: string | undefined,
): Promise<ImportState> {
  const pages = file === undefined ? keptPages(client, state.id) : filePages(file);
  let current = state;
  for await (const page of pages) current = await retryPage(client, page, current, context);
  return current;
}

function retryPage(
  client: ClientBase,
  page: readonly RejectLine[],
  state: ImportState,
  context: MappingContext,
): Promise<ImportState> {
  const items = page.flatMap(({ document }) => (document === null ? [] : [{ document, bytes: 0, where: "" }]));
  const batch = mapBatch(items, context);
  const still = new Set(batch.rejects.map(({ key }) => key));
  batch.settled = page.filter(({ key, document }) => document !== null && !still.has(key)).map(({ key }) => key);
  return loadBatch(client, batch, undefined, state, context);
}

async function* keptPages(client: ClientBase, importId: number): AsyncGenerator<RejectLine[]> {
  for (let after = 0; ;) {
    const page = await readRejects(client, importId, after, pageRows);
    if (page.length === 0) return;
    after = page.at(-1)?.id ?? after;
    yield page;
  }
}

async function* filePages(path: string): AsyncGenerator<RejectLine[]> {
  let page: RejectLine[] = [];
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number++;
    if (text.trim() !== "") page.push(lineFrom(text, path, number));
    if (page.length < pageRows) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function lineFrom(text: string, path: string, number: number): RejectLine {
  try {
    const line = JSON.parse(text) as Json;
    if (isObject(line) && typeof line["key"] === "string") {
      return { key: line["key"], document: normalDocument(line["document"] ?? null) ?? null };
    }
  } catch (cause) {
    throw damaged(path, `line ${number} is no JSON`, cause);
  }
  throw damaged(path, `line ${number} is no line of a reject file`);
}
