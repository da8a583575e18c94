import { MongoError, MongoNetworkError, MongoServerError, MongoServerSelectionError } from "mongodb";
import { messageOf, RingpostError } from "../../../shared/errors.ts";

/**
 * Server errors after which the same reading can go on elsewhere or a moment later: failover, a cursor that is gone,
 * a server that shuts down or is slow.
 */
const PASSING_CODES = new Map<number, string>([
  [6, "HostUnreachable"],
  [7, "HostNotFound"],
  [43, "CursorNotFound"],
  [50, "MaxTimeMSExpired"],
  [89, "NetworkTimeout"],
  [91, "ShutdownInProgress"],
  [133, "FailedToSatisfyReadPreference"],
  [134, "ReadConcernMajorityNotAvailableYet"],
  [175, "QueryPlanKilled"],
  [189, "PrimarySteppedDown"],
  [237, "CursorKilled"],
  [262, "ExceededTimeLimit"],
  [9001, "SocketException"],
  [10107, "NotWritablePrimary"],
  [11600, "InterruptedAtShutdown"],
  [11602, "InterruptedDueToReplStateChange"],
  [13435, "NotPrimaryNoSecondaryOk"],
  [13436, "NotPrimaryOrSecondary"],
]);

export function isPassing(error: unknown): boolean {
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  if (error instanceof MongoServerError) return typeof error.code === "number" && PASSING_CODES.has(error.code);
  return error instanceof MongoError && /pool.*(cleared|closed)|connection.*closed/i.test(error.message);
}

/** `host` is shown, the rest of the address never: it has the password. */
export function liveFailure(error: unknown, host: string, uri: string): RingpostError {
  const passing = isPassing(error);
  return new RingpostError({
    code: passing ? "mongo_unreachable" : "mongo_refused",
    attempted: "read from MongoDB",
    on: host,
    found: withoutAddress(messageOf(error), uri),
    retry: passing ? "later" : "no",
    next: passing
      ? "Run the same command again when it answers: it goes on where it stopped."
      : "Check user, password, authSource and the right to read the collection; what was brought over stays.",
  });
}

/** A driver's message may quote the address it was given. */
export function withoutAddress(message: string, uri: string): string {
  const secrets = [uri, /\/\/[^@/]*@/.exec(uri)?.[0].slice(2, -1), /\/\/[^:@/]*:([^@/]*)@/.exec(uri)?.[1]];
  return secrets
    .flatMap((secret) => (secret === undefined || secret === "" ? [] : [secret, decoded(secret)]))
    .reduce((text, secret) => text.replaceAll(secret, "[redacted]"), message);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
