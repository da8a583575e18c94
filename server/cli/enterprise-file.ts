import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import type { ClientBase, Pool } from "pg";
import { parse as parseToml, stringify as stringifyToml } from "smol-toml";
import { messageOf } from "../../shared/errors.ts";
import { resealAll, vaultOf, type Vault } from "../deliver/secrets.ts";
import { addEnterprise } from "../store/addEnterprise.ts";
import {
  type EnterpriseSettings,
  lockEnterprise,
  readEnterpriseSettings,
  writeEnterpriseSettings,
} from "../store/enterpriseSettings.ts";
import { setEnterprise } from "../store/setEnterprise.ts";
import { inTransaction } from "../store/transaction.ts";
import { parsers, type Parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import { changeSettings } from "./settings/change.ts";
import { differences } from "./settings/differences.ts";
import { isTable, listOf } from "./settings/part.ts";
import { SETTINGS_PARTS } from "./settings/parts.ts";

/** `enterprise import FILE`, `enterprise export`, `enterprise reseal`. */
export function enterpriseFileCommands(group: Command, context: Context): void {
  importCommand(group, context);
  exportCommand(group, context);
  resealCommand(group, context);
}

function importCommand(group: Command, context: Context): void {
  const { say } = context;
  group
    .command("import")
    .description(say.aboutEnterpriseImport)
    .argument("<file>", say.argSettingsFile)
    .option("--dry-run", say.optDryRun)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["enterprise import customers.toml --dry-run"]))
    .action((path: string, { dryRun = false }: { dryRun?: boolean }, command: Command) => {
      const given = readFile(path, context);
      return withPool(context, command, (pool) => onImport(context, pool, given, dryRun, wantsJson(command)));
    });
}

function exportCommand(group: Command, context: Context): void {
  const { io, say } = context;
  group
    .command("export")
    .description(say.aboutEnterpriseExport)
    .argument("[ids...]", say.argEnterprise)
    .option("--json", say.optJson)
    .addHelpText(
      "after",
      examples(say.examples, ["enterprise export > customers.toml", "enterprise export 0367 --json"]),
    )
    .action((ids: string[], _: unknown, command: Command) =>
      withPool(context, command, async (pool) => {
        const enterprises = await inTransaction(
          pool,
          (client) => readEnterpriseSettings(client, ids),
          "BEGIN READ ONLY",
        );
        const missing = ids.find((id) => !enterprises.some((one) => one.id === id));
        if (missing !== undefined) throw new Refused(say.noEnterprise(missing));
        const file = { enterprise: Object.fromEntries(enterprises.map((one) => [one.id, tell(one)])) };
        io.out(wantsJson(command) ? JSON.stringify(file) : stringifyToml(file).trimEnd());
      }),
    );
}

function resealCommand(group: Command, context: Context): void {
  const { io, say } = context;
  group
    .command("reseal")
    .description(say.aboutEnterpriseReseal)
    .option("--json", say.optJson)
    .action((_: unknown, command: Command) =>
      withPool(context, command, async (pool) => {
        const counts = await inTransaction(pool, (client) => reseal(client, vaultOf(io.env)));
        if (wantsJson(command)) return io.out(JSON.stringify(counts.map(([id, secrets]) => ({ id, secrets }))));
        for (const [id, count] of counts) io.out(say.resealed(id, count));
      }),
    );
}

/** All or none. Returns how many secrets each enterprise has. */
async function reseal(client: ClientBase, vault: Vault): Promise<[id: string, count: number][]> {
  const counts: [string, number][] = [];
  for (const { id } of await readEnterpriseSettings(client, [])) {
    const { settings } = (await lockEnterprise(client, id))!;
    const { value, count } = resealAll(settings, id, vault);
    await writeEnterpriseSettings(client, id, value);
    counts.push([id, count]);
  }
  return counts;
}

type Tables = Record<string, Record<string, unknown>>;

/** @throws Refused naming the file. */
function readFile(path: string, { say }: Context): Tables {
  let file: unknown;
  try {
    const text = readFileSync(path, "utf8");
    file = text.trimStart().startsWith("{") ? JSON.parse(text) : parseToml(text);
  } catch (error) {
    throw new Refused(say.cannotRead(path, messageOf(error)));
  }
  const tables = isTable(file) ? file["enterprise"] : undefined;
  if (!isTable(tables) || !Object.values(tables).every(isTable)) throw new Refused(say.noEnterprisesInFile(path));
  return tables as Tables;
}

interface Imported {
  id: string;
  added: boolean;
  changes: string[];
  notes: string[];
}

async function onImport(context: Context, pool: Pool, given: Tables, dryRun: boolean, json: boolean): Promise<void> {
  const { io, say } = context;
  const done = await inTransaction(pool, async (client) => {
    await client.query("SAVEPOINT before");
    const imported: Imported[] = [];
    for (const [id, table] of Object.entries(given)) imported.push(await importOne(context, client, id, table));
    if (dryRun) await client.query("ROLLBACK TO before");
    return imported;
  });
  if (json) io.out(JSON.stringify(done.map(({ id, added, changes }) => ({ id, added, changes }))));
  for (const { id, added, changes, notes } of done) {
    if (!json) {
      io.out(`${id}: ${added ? say.imported : changes.length === 0 ? say.unchanged : say.changed}`);
      for (const change of changes) io.out(`  ${change}`);
    }
    if (!dryRun) for (const note of notes) io.err(note);
  }
  if (dryRun) io.err(say.nothingStored);
}

async function importOne(
  context: Context,
  client: ClientBase,
  id: string,
  table: Record<string, unknown>,
): Promise<Imported> {
  const { say } = context;
  try {
    parsers(say).enterpriseId(id);
    const { name, token, timezone, extensions, trunks, ...parts } = table;
    const base = readBase({ name, token, timezone, extensions, trunks }, parsers(say));
    const before = await lockEnterprise(client, id);
    if (before === undefined) await add(client, context, id, base);
    else await setEnterprise(client, id, base);
    const { settings, notes } = changeSettings(context, id, before?.settings ?? {}, parts, "file");
    await writeEnterpriseSettings(client, id, settings);
    const after = (await lockEnterprise(client, id))!;
    const changes = differences(before === undefined ? {} : tell(before), tell(after));
    return { id, added: before === undefined, changes, notes };
  } catch (error) {
    if (error instanceof Refused || error instanceof InvalidArgumentError) throw new Refused(`${id}: ${error.message}`);
    throw error;
  }
}

type Base = Partial<Omit<EnterpriseSettings, "id" | "settings">>;

const BASE = ["name", "token", "timezone", "extensions", "trunks"] as const;

function readBase(given: Record<(typeof BASE)[number], unknown>, parse: Parsers): Base {
  const base: Base = {};
  const text = (field: (typeof BASE)[number], read: (text: string) => string) => {
    const value = given[field];
    if (typeof value === "string") return read(value);
    throw new InvalidArgumentError(`${field}: ${JSON.stringify(value)}`);
  };
  if (given.name !== undefined) base.name = text("name", parse.line);
  if (given.token !== undefined) base.token = text("token", parse.line);
  if (given.timezone !== undefined) base.timezone = text("timezone", parse.timezone);
  if (given.extensions !== undefined) base.extensions = text("extensions", parse.extensions) || null;
  if (given.trunks !== undefined) base.trunks = parse.trunks((listOf(given.trunks) ?? [" "]).join(","));
  return base;
}

async function add(client: ClientBase, { say }: Context, id: string, base: Base): Promise<void> {
  const { name, token, timezone = "UTC", extensions = null, trunks = [] } = base;
  if (name === undefined || token === undefined) throw new Refused(say.newNeedsNameAndToken);
  await addEnterprise(client, { id, name, token, timezone, extensions, trunks });
}

/** As a file says it. */
function tell({ name, token, timezone, extensions, trunks, settings }: EnterpriseSettings): Record<string, unknown> {
  const parts = SETTINGS_PARTS.map((part) => [part.name, part.tell(settings)] as const);
  return {
    name,
    token,
    timezone,
    ...(extensions === null ? {} : { extensions }),
    ...(trunks.length === 0 ? {} : { trunks }),
    ...Object.fromEntries(parts.filter(([, value]) => value !== undefined)),
  };
}
