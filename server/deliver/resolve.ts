import { lookup, Resolver } from "node:dns/promises";
import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { callbackify } from "node:util";
import PQueue from "p-queue";
import { codeOf } from "../../shared/errors.ts";
import { isPrivateAddress } from "./guard.ts";
import { DELIVERY_LIMITS } from "./limits.ts";

/** All addresses of a name. @throws an Error with a code when there are none. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/** A name server said no. */
const NO_SUCH = /^(ENOTFOUND|ENODATA)$/;

/**
 * Asks name servers without a thread: the system's own way has four threads for everybody, and names whose servers are silent would
 * hold them all. What only the system knows (its hosts file, names without a dot) is asked of it, one name at a time when servers
 * were silent.
 */
export function nameResolver(): Resolve {
  const resolver = new Resolver({ timeout: DELIVERY_LIMITS.resolveMsMax, tries: 2 });
  const slowly = new PQueue({ concurrency: 1 });
  const system = (hostname: string) => lookup(hostname, { all: true });
  return async (hostname) => {
    if (!hostname.includes(".")) return system(hostname);
    const asked = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = asked.flatMap((answer, at) =>
      answer.status === "fulfilled" ? answer.value.map((address) => ({ address, family: at === 0 ? 4 : 6 })) : [],
    );
    if (found.length > 0) return found;
    const isKnownNot = asked.every(
      (answer) => answer.status === "rejected" && NO_SUCH.test(codeOf(answer.reason) ?? ""),
    );
    return isKnownNot ? system(hostname) : slowly.add(() => system(hostname));
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
