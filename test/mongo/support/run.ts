import { setTimeout as sleep } from "node:timers/promises";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_MAPPING } from "../../../server/mongo/map/mapping-file.ts";
import { runSession, type Outcome, type SessionOptions } from "../../../server/mongo/session.ts";
import { openFileSource } from "../../../server/mongo/source/files.ts";
import type { Source } from "../../../server/mongo/source/source.ts";
import { seeded } from "./random.ts";

export function tempFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "ringpost-mongo-"));
}

const QUIET = { onProgress: () => undefined, onPhase: () => undefined, stop: new AbortController().signal };

/** One run in this process; a path or an open source. */
export async function importHere(
  databaseUrl: string,
  from: string | Source,
  folder: string,
  options: Partial<SessionOptions> = {},
): Promise<Outcome> {
  const source = typeof from === "string" ? await openFileSource({ path: from }) : from;
  try {
    return await runSession(
      {
        databaseUrl,
        source,
        mode: "import",
        mapping: DEFAULT_MAPPING,
        enterpriseMap: {},
        make: { timezone: "UTC" },
        bounds: { documentsMax: 500, bytesMax: 8 * 1024 * 1024 },
        resume: true,
        rejectsFile: join(folder, "rejects.ndjson"),
        retryFile: undefined,
        validation: { sample: 200, random: seeded(7), clock: () => performance.now() },
        sleep: (ms) => sleep(ms),
        ...options,
      },
      QUIET,
    );
  } finally {
    await source.close();
  }
}
