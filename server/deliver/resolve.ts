import { lookup, Resolver } from "node:dns/promises";
import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { callbackify } from "node:util";
import { codeOf } from "../../shared/errors.ts";
import { isPrivateAddress } from "./guard.ts";
import { DELIVERY_LIMITS } from "./limits.ts";

/** All addresses of a name. @throws an Error with a code when there are none. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

const TIMED_OUT = /^(ETIMEOUT|ECANCELLED)$/;

/**
 * Asks name servers without a thread: the system's own way has four threads for everybody, and names whose servers are silent would
 * hold them all. What only the system knows (its hosts file) is asked of it after a quick no.
 */
export function nameResolver(): Resolve {
  const resolver = new Resolver({ timeout: DELIVERY_LIMITS.resolveMsMax, tries: 2 });
  return async (hostname) => {
    const asked = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = asked.flatMap((answer, at) =>
      answer.status === "fulfilled" ? answer.value.map((address) => ({ address, family: at === 0 ? 4 : 6 })) : [],
    );
    if (found.length > 0) return found;
    const isSilent = asked.some(
      (answer) => answer.status === "rejected" && TIMED_OUT.test(codeOf(answer.reason) ?? ""),
    );
    if (isSilent) throw new Error(`the name servers of ${hostname} do not answer`);
    return lookup(hostname, { all: true });
  };
}

/** For connecting: the name is resolved once, and only addresses that may be connected to are handed on. */
export function checkedLookup(resolve: Resolve, allowPrivate: boolean): LookupFunction {
  const find = callbackify(async (hostname: string): Promise<[LookupAddress, ...LookupAddress[]]> => {
    const [first, ...others] = (await resolve(hostname)).filter(
      (one) => allowPrivate || !isPrivateAddress(one.address),
    );
    if (first === undefined) throw new Error(privateAddress(hostname));
    return [first, ...others];
  });
  return (hostname, options, callback) =>
    find(hostname, (error, allowed) => {
      if (error) callback(error, "");
      else if (options.all === true) callback(null, allowed);
      else callback(null, allowed[0].address, allowed[0].family);
    });
}

export function privateAddress(host: string): string {
  return `${host} is a private address; allow it with webhook.NAME.allow_private=yes if it is yours`;
}
