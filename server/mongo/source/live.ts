import { deserialize, EJSON } from "bson";
import { MongoClient, ReadPreference, type Collection } from "mongodb";
import { messageOf, RingpostError } from "../../../shared/errors.ts";
import type { JsonObject } from "../json.ts";
import { itemOf } from "./bson.ts";
import { isPassing, liveFailure, withoutAddress } from "./live-errors.ts";
import { chunked, type Bounds, type Position, type Source, type SourceChunk, type SourceItem } from "./source.ts";

export interface LiveSelection {
  /** With its password; never shown. */
  uri: string;
  db: string;
  collection: string;
}

export interface LiveOptions {
  /** How often the reading is taken up again without a single document in between. */
  triesMax: number;
  /** Waits between tries, doubling up to the maximum. */
  retryDelayMsMin: number;
  retryDelayMsMax: number;
  sleep: (ms: number) => Promise<void>;
  /** Told of every try: why, and which it is. */
  onRetry?: (why: string, tries: number) => void;
}

const CONNECT_MS_MAX = 15_000;
/** Documents a server sends at once; it keeps its own bound of 16 MB too. */
const SERVER_BATCH_DOCUMENTS_MAX = 2_000;

/**
 * `_id` may be of any type, and a comparison in a query holds within one type only. So the types are gone through one
 * by one, in BSON's order; `$type` names as the server has them.
 */
const ID_TYPES: readonly (readonly string[])[] = [
  ["minKey"],
  ["null"],
  ["int", "long", "double", "decimal"],
  ["string", "symbol"],
  ["object"],
  ["binData"],
  ["objectId"],
  ["bool"],
  ["date"],
  ["timestamp"],
  ["maxKey"],
];

/** A collection of a running MongoDB, read from a secondary where there is one, in the order of `_id`. */
export async function openLiveSource({ uri, db, collection }: LiveSelection, options: LiveOptions): Promise<Source> {
  const client = clientOf(uri);
  const host = client.options.hosts.map(String).join(",") || (client.options.srvHost ?? "");
  try {
    await client.connect();
    const documents = await client.db(db).collection(collection).estimatedDocumentCount();
    return {
      name: `mongodb:${host}/${db}.${collection}`,
      fingerprint: "live",
      total: { documents, bytes: null },
      read: (from, bounds) => readLive(client.db(db).collection(collection), from, bounds, options, host, uri),
      close: () => client.close(),
    };
  } catch (error) {
    await client.close();
    throw liveFailure(error, host, uri);
  }
}

function clientOf(uri: string): MongoClient {
  try {
    return new MongoClient(uri, {
      appName: "ringpost import",
      readPreference: ReadPreference.SECONDARY_PREFERRED,
      serverSelectionTimeoutMS: CONNECT_MS_MAX,
      connectTimeoutMS: CONNECT_MS_MAX,
      retryReads: true,
    });
  } catch (error) {
    throw new RingpostError({
      code: "mongo_address",
      attempted: "understand the address of MongoDB",
      on: "--uri",
      found: withoutAddress(messageOf(error), uri),
      retry: "no",
      next: "Give it as mongodb://user:password@host:27017/?authSource=admin, best in RINGPOST_MONGO_URI.",
    });
  }
}

/** Where the reading stands: in which group of types, after which `_id`. */
class LivePosition {
  types: number;
  #after: JsonObject | null;
  #last: Uint8Array | undefined;

  constructor(from: Position | null) {
    this.types = typeof from?.["types"] === "number" ? from["types"] : 0;
    this.#after = (from?.["after"] ?? null) as JsonObject | null;
  }

  /** The document just read; its `_id` is looked for only when somebody asks. */
  readOne(bytes: Uint8Array): void {
    this.#last = bytes;
  }

  nextTypes(): void {
    this.types++;
    this.#after = null;
    this.#last = undefined;
  }

  /** `{_id}` in canonical Extended JSON, which keeps its type; null at the beginning of a group. */
  get after(): JsonObject | null {
    if (this.#last === undefined) return this.#after;
    const { _id } = deserialize(this.#last, { promoteValues: false, validation: { utf8: false } });
    this.#last = undefined;
    return (this.#after = EJSON.serialize({ _id }, { relaxed: false }) as JsonObject);
  }
}

function readLive(
  collection: Collection,
  from: Position | null,
  bounds: Bounds,
  options: LiveOptions,
  host: string,
  uri: string,
): AsyncGenerator<SourceChunk> {
  const position = new LivePosition(from);
  return chunked(liveItems(collection, position, bounds, options, host, uri), bounds, {
    position: () => ({ types: position.types, after: position.after }),
    bytesRead: () => null,
  });
}

async function* liveItems(
  collection: Collection,
  position: LivePosition,
  bounds: Bounds,
  options: LiveOptions,
  host: string,
  uri: string,
): AsyncGenerator<SourceItem> {
  for (let tries = 0; position.types < ID_TYPES.length;) {
    try {
      for await (const item of itemsOfTypes(collection, position, bounds)) {
        tries = 0;
        yield item;
      }
      if (position.types === ID_TYPES.length - 1) return;
      position.nextTypes();
    } catch (error) {
      if (!isPassing(error) || ++tries >= options.triesMax) throw liveFailure(error, host, uri);
      options.onRetry?.(withoutAddress(messageOf(error), uri), tries);
      await options.sleep(Math.min(options.retryDelayMsMax, options.retryDelayMsMin * 2 ** (tries - 1)));
    }
  }
}

/** One cursor: the rest of the documents whose `_id` is of these types. Whatever breaks it, the next one begins after `after`. */
async function* itemsOfTypes(
  collection: Collection,
  position: LivePosition,
  { documentsMax }: Bounds,
): AsyncGenerator<SourceItem> {
  const cursor = collection.find(filterOf(position), {
    sort: { _id: 1 },
    batchSize: Math.min(documentsMax, SERVER_BATCH_DOCUMENTS_MAX),
    raw: true,
  });
  try {
    for await (const document of cursor) {
      const bytes = document as unknown as Uint8Array;
      position.readOne(bytes);
      yield itemOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), "");
    }
  } finally {
    await cursor.close().catch(() => undefined);
  }
}

function filterOf({ types, after }: LivePosition): Record<string, object> {
  const $type = ID_TYPES[types];
  if (after === null) return { _id: { $type } };
  const { _id } = EJSON.deserialize(after, { relaxed: false }) as { _id: unknown };
  return { _id: { $type, $gt: _id } };
}
