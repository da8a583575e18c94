import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";

/**
 * A recorded AMI session read from a folder: `ami.raw` (bytes as received) and `ami.times`
 * (`epoch_ms TAB byte_offset` of each chunk), either of them gzipped; `ami.2.raw` is the connection after a restart.
 * Texts are latin1 strings, one character a byte, so that what is replayed is what was recorded, broken UTF-8 included.
 */
export interface Capture {
  name: string;
  /** Major version of Asterisk, from the banner. */
  version: PbxVersion;
  connections: CapturedConnection[];
  /** First and last byte of the recording, epoch ms. */
  startedAt: number;
  endedAt: number;
}

export type PbxVersion = "16" | "22";

export interface CapturedConnection {
  openedAt: number;
  closedAt: number;
  /** Asterisk's own start, epoch seconds, when the connection told it (FullyBooted). */
  bootedAtSeconds: number | null;
  /** What Asterisk sent to every listener: no responses, no list answers, nothing about this login. */
  events: CapturedEvent[];
  /** CoreShowChannel and Status answers: the channels which existed when the recording began. */
  existing: string[];
}

export interface CapturedEvent {
  name: string;
  /** Epoch ms on the PBX: its Timestamp header when there is one, else when its first byte was read. */
  at: number;
  /** The whole event with its closing empty line. */
  text: string;
}

/** Reads one capture folder; throws with the path when it is not one. */
export function loadCapture(dir: string): Capture {
  const banner = readMaybeGzipped(join(dir, "ami.raw"));
  if (banner === undefined) throw new Error(`No capture in ${dir}: it has no ami.raw and no ami.raw.gz.`);
  const connections = [readConnection(dir, "ami")];
  for (let n = 2; fileOf(join(dir, `ami.${n}.raw`)) !== undefined; n++)
    connections.push(readConnection(dir, `ami.${n}`));
  return {
    name: `${basename(dirname(dir))}/${basename(dir)}`,
    version: banner.startsWith("Asterisk Call Manager/5.") ? "16" : "22",
    connections,
    startedAt: connections[0]!.openedAt,
    endedAt: connections.at(-1)!.closedAt,
  };
}

/** Value of a header inside an event's text, or undefined. Header names are matched as Asterisk spells them. */
export function headerOf(text: string, name: string): string | undefined {
  const start = text.startsWith(`${name}: `) ? 0 : text.indexOf(`\n${name}: `) + 1;
  if (start === 0 && !text.startsWith(`${name}: `)) return undefined;
  const from = start + name.length + 2;
  const end = text.indexOf("\r\n", from);
  return text.slice(from, end < 0 ? undefined : end);
}

function readConnection(dir: string, stem: string): CapturedConnection {
  const raw = readMaybeGzipped(join(dir, `${stem}.raw`)) ?? "";
  const times = readTimes(readMaybeGzipped(join(dir, `${stem}.times`)), join(dir, `${stem}.times`));
  const clock = chunkClock(times);
  const connection: CapturedConnection = {
    openedAt: times[0]!.at,
    closedAt: times.at(-1)!.at,
    bootedAtSeconds: null,
    events: [],
    existing: [],
  };
  for (const { text, offset } of blocks(raw)) sortBlock(connection, text, clock(offset));
  return connection;
}

/** Puts one block where it belongs: the stream of events, the channels that existed, or nowhere. */
function sortBlock(connection: CapturedConnection, text: string, readAt: number): void {
  const name = text.startsWith("Event: ") ? headerOf(text, "Event")! : "";
  const uptime = headerOf(text, "Uptime");
  if (name === "FullyBooted" && uptime !== undefined) {
    connection.bootedAtSeconds = Math.floor(readAt / 1000) - Number(uptime);
  }
  if (name === "" || name === "FullyBooted" || name === "SuccessfulAuth") return;
  if (name === "CoreShowChannel" || (name === "Status" && headerOf(text, "ActionID") !== undefined)) {
    connection.existing.push(text);
  } else if (headerOf(text, "Privilege") !== undefined) {
    const stamp = headerOf(text, "Timestamp");
    connection.events.push({ name, at: stamp === undefined ? readAt : Number(stamp) * 1000, text });
  }
}

/** Blocks between empty lines. Empty lines to spare (Debian's TestEvent) stay with the block before them. */
function* blocks(raw: string): Generator<{ text: string; offset: number }> {
  let from = raw.startsWith("Asterisk Call Manager/") ? raw.indexOf("\n") + 1 : 0;
  while (from < raw.length) {
    const gap = raw.indexOf("\r\n\r\n", from);
    if (gap < 0) return; // the recording stopped in the middle of an event
    let end = gap + 4;
    while (raw.startsWith("\r\n", end)) end += 2;
    yield { text: raw.slice(from, end), offset: from };
    from = end;
  }
}

interface Chunk {
  at: number;
  offset: number;
}

/** Time of the chunk that holds a byte; offsets must be asked in ascending order. */
function chunkClock(chunks: Chunk[]): (offset: number) => number {
  let i = 0;
  return (offset) => {
    while (i + 1 < chunks.length && chunks[i + 1]!.offset <= offset) i++;
    return chunks[i]!.at;
  };
}

function readTimes(text: string | undefined, path: string): Chunk[] {
  const chunks = (text ?? "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"))
    .map(([at, offset]) => ({ at: Number(at), offset: Number(offset) }));
  if (chunks.length === 0) throw new Error(`No times in ${path}: a capture needs when its bytes were read.`);
  return chunks;
}

function fileOf(path: string): string | undefined {
  return [path, `${path}.gz`].find((candidate) => existsSync(candidate));
}

function readMaybeGzipped(path: string): string | undefined {
  const file = fileOf(path);
  if (file === undefined) return undefined;
  const bytes = readFileSync(file);
  return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("latin1");
}
