import { readText, type Reading, type Field } from "./fields.ts";
import type { EnterpriseEntry, Reject, Rule } from "./types.ts";

/** Old enterprise values and tokens -> enterprise ids; `*` is for documents that name neither. From --enterprise-map. */
export type EnterpriseMap = Readonly<Record<string, string>>;

export interface Directory {
  enterprises: Map<string, EnterpriseEntry>;
  /** Token -> id; only tokens that one enterprise alone has. */
  tokens: ReadonlyMap<string, string>;
  map: EnterpriseMap;
  /** A document that names an enterprise nobody registered, with its token, registers it; time zone for its times. */
  make: { timezone: string } | undefined;
}

export interface Owner {
  enterprise: EnterpriseEntry;
  token: string | undefined;
  rules: Rule[];
}

/**
 * Whose call it is: the enterprise the document names, mapped or as it is; else the one its token belongs to; else the
 * map's `*`. An enterprise that is not registered is taken when the document has its token too (`enterprise_made`).
 */
export function findOwner(reading: Reading<Field>, directory: Directory): Owner | Reject {
  const rules: Rule[] = [];
  const named = reading.take("enterprise", readText);
  const token = reading.take("token", readText);
  const id = enterpriseId(named, token, directory, rules);
  if (id === undefined) return noEnterprise(token);
  const registered = directory.enterprises.get(id);
  const enterprise = registered ?? made(id, token, directory, rules);
  if (enterprise === undefined) return unknownEnterprise(id, token);
  if (token === undefined) rules.push("token_from_enterprise");
  else if (token !== enterprise.token) rules.push("token_differs");
  return { enterprise, token, rules };
}

export function isReject(value: object): value is Reject {
  return "reason" in value && "detail" in value;
}

function enterpriseId(
  named: string | undefined,
  token: string | undefined,
  { tokens, map, enterprises }: Directory,
  rules: Rule[],
): string | undefined {
  const mapped = own(map, named) ?? (named === undefined ? own(map, token) : undefined);
  if (mapped !== undefined) return note(rules, "enterprise_from_map", mapped);
  if (named !== undefined && enterprises.has(named)) return named;
  const byToken = token === undefined ? undefined : tokens.get(token);
  if (byToken !== undefined) return note(rules, "enterprise_from_token", byToken);
  if (named !== undefined) return named;
  const fallback = own(map, "*");
  return fallback === undefined ? undefined : note(rules, "enterprise_by_default", fallback);
}

function made(id: string, token: string | undefined, { make }: Directory, rules: Rule[]): EnterpriseEntry | undefined {
  if (make === undefined || token === undefined) return undefined;
  return note(rules, "enterprise_made", { id, token, timezone: make.timezone, hosts: [] });
}

function own(map: EnterpriseMap, key: string | undefined): string | undefined {
  return key !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
}

function note<T>(rules: Rule[], rule: Rule, value: T): T {
  rules.push(rule);
  return value;
}

function noEnterprise(token: string | undefined): Reject {
  const detail = token === undefined ? "neither enterprise nor token" : "no enterprise, and a token nobody has";
  return { reason: "no_enterprise", detail };
}

function unknownEnterprise(id: string, token: string | undefined): Reject {
  const why = token === undefined ? "and the document has no token to register it with" : "and none may be made";
  return { reason: "unknown_enterprise", detail: `enterprise ${id} is not registered ${why}` };
}

/**
 * Which of an enterprise's PBXs a call belongs to, where that matters: Uniqueids repeat between boxes, so calls of two
 * registered sites are kept apart by host. '' where there is one site, or the document names none of them.
 */
export function siteHost(enterprise: EnterpriseEntry, host: string | null | undefined): string {
  return host && enterprise.hosts.length > 1 && enterprise.hosts.includes(host) ? host : "";
}

/** A stored document stays with the enterprise it was given, whatever is registered meanwhile. */
export function ownerAgain(reading: Reading<Field>, enterprise: EnterpriseEntry): Owner {
  reading.take("enterprise", readText);
  return { enterprise, token: reading.take("token", readText), rules: [] };
}
