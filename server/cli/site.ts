import type { Command } from "commander";
import type { Pool } from "pg";
import { addSite } from "../store/addSite.ts";
import { inviteSite } from "../store/inviteSite.ts";
import { listSites, type ListedSite } from "../store/listSites.ts";
import { revokeSite } from "../store/revokeSite.ts";
import { rotateSiteKey } from "../store/rotateSiteKey.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import type { Messages } from "./messages.ts";
import { moment, table } from "./print.ts";

const siteMax = 999_999_999;
const overlapHours = 24;
const overlapHoursMax = 24 * 90;
const inviteHours = 24;
const inviteHoursMax = 24 * 30;

export function siteCommands(program: Command, context: Context): void {
  const group = program.command("site").description(context.say.aboutSite);
  add(group, context);
  invite(group, context);
  list(group, context);
  rotate(group, context);
  revoke(group, context);
}

function add(group: Command, context: Context): void {
  const { say } = context;
  const parse = parsers(say);
  group
    .command("add")
    .description(say.aboutSiteAdd)
    .argument("<enterprise>", say.argEnterprise, parse.enterpriseId)
    .requiredOption("--host <address>", say.optSiteHost, parse.host)
    .requiredOption("--name <name>", say.optName, parse.line)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["site add 0367 --host 10.88.10.11 --name 'Head office' --json"]))
    .action((enterprise: string, { host, name }: { host: string; name: string }, command: Command) =>
      withPool(context, command, (pool) =>
        onAdd(context, pool, { enterpriseId: enterprise, host, name }, wantsJson(command)),
      ),
    );
}

function invite(group: Command, context: Context): void {
  const { io, say } = context;
  const parse = parsers(say);
  group
    .command("invite")
    .description(say.aboutSiteInvite)
    .argument("<enterprise>", say.argEnterprise, parse.enterpriseId)
    .requiredOption("--host <address>", say.optSiteHost, parse.host)
    .option("--name <name>", say.optInviteName, parse.line)
    .option("--valid <hours>", say.optInviteValid, parse.number(1, inviteHoursMax), inviteHours)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, ["site invite 0367 --host 10.88.10.11"]))
    .action((enterpriseId: string, options: { host: string; name?: string; valid: number }, command: Command) =>
      withPool(context, command, async (pool) => {
        const { host, name = host, valid } = options;
        const made = await inviteSite(pool, { enterpriseId, host, name }, valid);
        if (!made) throw new Refused(say.noEnterprise(enterpriseId));
        const json = { code: made.code, expires_at: made.expiresAt.toISOString() };
        io.out(wantsJson(command) ? JSON.stringify(json) : say.siteInvited(made.code, host, valid));
      }),
    );
}

async function onAdd(
  context: Context,
  pool: Pool,
  site: { enterpriseId: string; host: string; name: string },
  json: boolean,
): Promise<void> {
  const { say } = context;
  const added = await addSite(pool, site);
  if ("key" in added) return printKey(context, added, say.siteAdded(added.site), json);
  if (added.refused === "no_enterprise") throw new Refused(say.noEnterprise(site.enterpriseId));
  throw new Refused(say.hostTaken(added.site, site.host));
}

function printKey({ io }: Context, { site, key }: { site: number; key: string }, words: string, json: boolean): void {
  io.out(json ? JSON.stringify({ site, key }) : `${words}\n${key}`);
}

function rotate(group: Command, context: Context): void {
  const { say } = context;
  const parse = parsers(say);
  group
    .command("rotate")
    .description(say.aboutSiteRotate)
    .argument("<site>", say.argSite, parse.number(1, siteMax))
    .option("--overlap <hours>", say.optOverlap, parse.number(0, overlapHoursMax), overlapHours)
    .option("--json", say.optJson)
    .action((site: number, { overlap }: { overlap: number }, command: Command) =>
      withPool(context, command, async (pool) => {
        const rotated = await rotateSiteKey(pool, site, overlap);
        if (!rotated) throw new Refused(say.noSite(site));
        printKey(context, rotated, say.siteRotated(site, overlap), wantsJson(command));
      }),
    );
}

function revoke(group: Command, context: Context): void {
  const { io, say } = context;
  group
    .command("revoke")
    .description(say.aboutSiteRevoke)
    .argument("<site>", say.argSite, parsers(say).number(1, siteMax))
    .option("--json", say.optJson)
    .action((site: number, _: unknown, command: Command) =>
      withPool(context, command, async (pool) => {
        if (!(await revokeSite(pool, site))) throw new Refused(say.noSite(site));
        io.out(wantsJson(command) ? JSON.stringify({ site, revoked: true }) : say.siteRevoked(site));
      }),
    );
}

function list(group: Command, context: Context): void {
  const { io, say } = context;
  group
    .command("list")
    .description(say.aboutSiteList)
    .option("--json", say.optJson)
    .action((_: unknown, command: Command) =>
      withPool(context, command, async (pool) => {
        const sites = await listSites(pool);
        if (wantsJson(command)) return io.out(JSON.stringify(sites));
        io.out(sites.length === 0 ? say.noSites : siteTable(sites, say));
      }),
    );
}

function siteTable(sites: readonly ListedSite[], say: Messages): string {
  const columns = [say.colSite, say.colEnterprise, say.colHost, say.colName, say.colSeen, say.colKeys];
  const rows = sites.map((site) => [
    String(site.site),
    site.enterprise_id,
    site.host,
    site.name,
    site.last_seen ? moment(site.last_seen, site.timezone) : say.never,
    site.revoked_at ? say.revoked : String(site.keys),
  ]);
  return table(columns, rows);
}
