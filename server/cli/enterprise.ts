import type { Command } from "commander";
import type { Pool } from "pg";
import { addEnterprise } from "../store/addEnterprise.ts";
import type { Enterprise } from "../store/enterprises.ts";
import { knowsTimezone } from "../store/knowsTimezone.ts";
import { listEnterprises } from "../store/listEnterprises.ts";
import { lockEnterprise, writeEnterpriseSettings } from "../store/enterpriseSettings.ts";
import { setEnterprise } from "../store/setEnterprise.ts";
import { inTransaction } from "../store/transaction.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { table } from "./print.ts";
import { changeSettings } from "./settings/change.ts";
import { SETTINGS_PARTS } from "./settings/parts.ts";
import { readSettingWords } from "./settings/words.ts";

type Change = Partial<Omit<Enterprise, "id">>;

export function enterpriseCommands(program: Command, context: Context): Command {
  const group = program.command("enterprise").description(context.say.aboutEnterprise);
  add(group, context);
  list(group, context);
  set(group, context);
  return group;
}

function add(group: Command, context: Context): void {
  const { say } = context;
  const parse = parsers(say);
  group
    .command("add")
    .description(say.aboutEnterpriseAdd)
    .argument("<id>", say.argEnterprise, parse.enterpriseId)
    .requiredOption("--name <name>", say.optName, parse.line)
    .requiredOption("--token <token>", say.optToken, parse.line)
    .option("--timezone <zone>", say.optTimezone, parse.timezone)
    .option("--extensions <regex>", say.optExtensions, parse.extensions)
    .option("--trunks <names>", say.optTrunks, parse.trunks)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ADD_EXAMPLES))
    .action((id: string, _: unknown, command: Command) =>
      withPool(context, command, (pool) => onAdd(context, pool, id, command)),
    );
}

const ADD_EXAMPLES = [
  "enterprise add 0367 --name 'Acme' --token t0k3n --timezone Europe/Moscow",
  "enterprise add 0368 --name 'Beta' --token s3cr3t --extensions '^1\\d\\d$' --trunks 'trunk-a,trunk-b'",
];

async function onAdd({ io, say }: Context, pool: Pool, id: string, command: Command): Promise<void> {
  const given = changeOf(command);
  const defaults = { name: "", token: "", timezone: "UTC", extensions: null, trunks: [] };
  const enterprise: Enterprise = { ...defaults, ...given, id };
  await checkTimezone(pool, say.allowedZone, enterprise.timezone);
  if (!(await addEnterprise(pool, enterprise))) throw new Refused(say.enterpriseExists(id));
  io.out(wantsJson(command) ? JSON.stringify(shown(enterprise)) : say.enterpriseAdded(id));
}

function set(group: Command, context: Context): void {
  const { say } = context;
  const parse = parsers(say);
  group
    .command("set")
    .description(say.aboutEnterpriseSet)
    .argument("<id>", say.argEnterprise, parse.enterpriseId)
    .argument("[settings...]", say.argSettings)
    .option("--name <name>", say.optName, parse.line)
    .option("--token <token>", say.optToken, parse.line)
    .option("--timezone <zone>", say.optTimezone, parse.timezone)
    .option("--extensions <regex>", say.optExtensions, parse.extensions)
    .option("--trunks <names>", say.optTrunks, parse.trunks)
    .option("--json", say.optJson)
    .addHelpText(
      "after",
      `\n${say.titleSettings}:\n${SETTINGS_PARTS.map((part) => `  ${part.allowed(say)}`).join("\n")}`,
    )
    .addHelpText("after", examples(say.examples, SET_EXAMPLES))
    .action((id: string, words: string[], _: unknown, command: Command) => {
      const change = changeOf(command);
      if (Object.keys(change).length + words.length === 0) throw new Refused(say.nothingToChange);
      const given = readSettingWords(words, say);
      return withPool(context, command, (pool) => onSet(context, pool, id, change, given, wantsJson(command)));
    });
}

const SET_EXAMPLES = [
  "enterprise set 0367 --timezone Asia/Tashkent",
  "enterprise set 0367 webhook.crm.url=https://crm.example.com/calls webhook.crm.events=start,hangup",
  "enterprise set 0367 webhook.crm=off",
];

async function onSet(
  context: Context,
  pool: Pool,
  id: string,
  change: Change,
  given: Record<string, unknown>,
  json: boolean,
): Promise<void> {
  const { io, say } = context;
  if (change.timezone !== undefined) await checkTimezone(pool, say.allowedZone, change.timezone);
  const { enterprise, notes } = await inTransaction(pool, async (client) => {
    const before = await lockEnterprise(client, id);
    if (before === undefined) throw new Refused(say.noEnterprise(id));
    const { settings, notes } = changeSettings(context, id, before.settings, given, "words");
    await writeEnterpriseSettings(client, id, settings);
    return { enterprise: (await setEnterprise(client, id, change))!, notes };
  });
  io.out(json ? JSON.stringify(shown(enterprise)) : say.enterpriseChanged(id));
  for (const note of notes) io.err(note);
}

function list(group: Command, context: Context): void {
  const { io, say } = context;
  group
    .command("list")
    .description(say.aboutEnterpriseList)
    .option("--json", say.optJson)
    .action((_: unknown, command: Command) =>
      withPool(context, command, async (pool) => {
        const enterprises = await listEnterprises(pool);
        if (wantsJson(command))
          return io.out(JSON.stringify(enterprises.map((one) => ({ ...shown(one), sites: one.sites }))));
        if (enterprises.length === 0) return io.out(say.noEnterprises);
        const columns = [say.colEnterprise, say.colName, say.colZone, say.colExtensions, say.colTrunks, say.colSites];
        const rows = enterprises.map((e) => [
          e.id,
          e.name,
          e.timezone,
          e.extensions ?? "",
          e.trunks.join(","),
          String(e.sites),
        ]);
        io.out(table(columns, rows));
      }),
    );
}

function changeOf(command: Command): Change {
  const { json: _, ...change } = command.opts<Change & { json?: boolean }>();
  return change.extensions === "" ? { ...change, extensions: null } : change;
}

/** The token is what integrations know the customer by: not repeated on screens and in logs. */
function shown({ id, name, timezone, extensions, trunks }: Enterprise): Omit<Enterprise, "token"> {
  return { id, name, timezone, extensions, trunks };
}

async function checkTimezone(pool: Pool, allowed: string, timezone: string): Promise<void> {
  if (!(await knowsTimezone(pool, timezone))) throw new Refused(`--timezone: '${timezone}'; ${allowed}`);
}

export function examples(title: string, lines: readonly string[]): string {
  return `\n${title}:\n${lines.map((line) => `  npm run -s server -- ${line}`).join("\n")}`;
}
