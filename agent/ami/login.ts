import { firstOf } from "../../shared/ami-message.ts";
import { AmiError, type AmiAddress, type AmiConnection } from "./connection.ts";
import { isInUse, isRefused } from "./facts.ts";

/** The AMI user of manager.conf, and where AMI listens. */
export interface AmiLogin extends AmiAddress {
  username: string;
  secret: string;
}

/** Logs in and asks for all events the user may see. Throws AmiError (refused) with what to do. */
export async function logIn(connection: AmiConnection, { username, secret, host, port }: AmiLogin): Promise<void> {
  const answer = await connection.action("Login", { Username: username, Secret: secret });
  if (isRefused(answer)) {
    const reason = firstOf(answer["Message"]) ?? "no reason given";
    const passing = isInUse(answer);
    const problem =
      `AMI at ${host}:${port} refused the login of ${username} (${reason}). ` +
      (passing
        ? "manager.conf allows one login at a time, and somebody else has it: give the agent a user of its own"
        : "Check [ami] username and secret against manager.conf, and its permit and deny lines for this machine");
    throw new AmiError({ kind: "refused", problem, passing });
  }
  await connection.action("Events", { EventMask: "on" });
}
