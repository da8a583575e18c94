import { isIP } from "node:net";

/** Asterisk closes the connection of a reader that blocks for longer; the agent never does for so long. */
export const WRITE_TIMEOUT_MS = 5_000;
export const READ_CLASSES = ["system", "call", "agent", "dtmf", "dialplan"] as const;
export const WRITE_CLASSES = ["reporting"] as const;
export const AMI_USER = "ringpost";

/** A section that switches AMI on: of its own, or as more of the one there is. Where there is none Asterisk refuses the latter. */
export type SwitchOn = "[general]" | "[general](+)";

/**
 * The agent's AMI user with the least rights that show every call: no command, no origination, this machine only. `host`
 * is where AMI listens: who speaks to an address of his own comes from it.
 */
export function amiUserConf(secret: string, switchOn: SwitchOn | null, host = "127.0.0.1"): string {
  const general = switchOn === null ? [] : [switchOn, "enabled = yes", "bindaddr = 127.0.0.1", ""];
  return [
    "; Written by ringpost-agent install; removed by ringpost-agent uninstall. Changes here are overwritten.",
    ...general,
    `[${AMI_USER}]`,
    `secret = ${secret}`,
    ...(isIP(host) === 6
      ? ["deny = ::/0", `permit = ${host}/128`]
      : ["deny = 0.0.0.0/0.0.0.0", `permit = ${host}/255.255.255.255`]),
    `read = ${READ_CLASSES.join(",")}`,
    `write = ${WRITE_CLASSES.join(",")}`,
    `writetimeout = ${WRITE_TIMEOUT_MS}`,
    "eventfilter = Privilege: (system|call|agent|dtmf)",
    "eventfilter = Variable: (DIALSTATUS|VMSTATUS|MIXMONITOR_FILENAME|(__)?EXTTOCALL)",
    "eventfilter = Application: (Dial|Queue|VoiceMail)",
    "",
  ].join("\n");
}

/** How an earlier installation switched AMI on. */
export function switchedOnIn(conf: string): SwitchOn | null {
  return (/^\[general\](?:\(\+\))?$/m.exec(conf)?.[0] as SwitchOn | undefined) ?? null;
}

/** The secret of an earlier installation, so that running it again changes nothing. */
export function secretIn(conf: string): string | undefined {
  return /^secret = (\S+)$/m.exec(conf)?.[1];
}
