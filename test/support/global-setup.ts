import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { startEmbedded, type Embedded } from "../../server/store/embedded.ts";
import { migrate } from "../../server/store/migrate.ts";
import { TEMPLATE, withDatabase } from "./postgres-names.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Administrator's URL of the one PostgreSQL of this run. */
    postgresUrl: string;
  }
}

/** Runs once before the whole suite: one embedded PostgreSQL with a migrated template that test databases are copies of. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "ringpost-test-"));
  let server: Embedded | undefined;
  const teardown = async (): Promise<void> => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    server = await startEmbedded({ dataDir: join(folder, "data"), durable: false });
    await makeTemplate(server.url);
    project.provide("postgresUrl", server.url);
    return teardown;
  } catch (error) {
    await teardown();
    throw error;
  }
}

async function makeTemplate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE ${TEMPLATE}`);
  await client.end();
  await migrate(withDatabase(url, TEMPLATE));
}
