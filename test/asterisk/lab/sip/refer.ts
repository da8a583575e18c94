import { addressOf } from "../office.ts";
import type { Pbx } from "../pbx.ts";
import { freeUdpPort } from "../ports.ts";
import { sendRequest } from "./packet.ts";
import type { SipMessage } from "./trace.ts";

/** A SIP dialog as one of the lab's phones holds it. */
export interface Dialog {
  callId: string;
  /** Our From and To with tags, whichever way the call was placed. */
  local: string;
  remote: string;
  /** Where in-dialog requests go. */
  target: string;
}

/** SIPp's own requests use 1 and 5000 upwards, so this lies between. */
const CSEQ = 3_000;

/** The newest dialog in a phone's messages, early ones included; null when it has none. */
export function dialogOf(messages: readonly SipMessage[]): Dialog | null {
  const invite = messages.findLast(({ method }) => method === "INVITE");
  if (invite === undefined) return null;
  const tagged = messages.findLast(
    ({ callId, status, headers }) =>
      callId === invite.callId && status !== null && status > 100 && /tag=/.test(headers.get("to") ?? ""),
  );
  if (tagged === undefined) return null;
  const from = tagged.headers.get("from") ?? "";
  const to = tagged.headers.get("to") ?? "";
  const target = uriIn((invite.sent ? tagged : invite).headers.get("contact") ?? "");
  return {
    callId: invite.callId,
    target,
    ...(invite.sent ? { local: from, remote: to } : { local: to, remote: from }),
  };
}

/**
 * Sends REFER into a dialog that SIPp holds: a blind transfer, or with `replaces` an attended one.
 * @returns the status of the answer, null when there was none.
 */
export async function refer(
  pbx: Pbx,
  who: string,
  dialog: Dialog,
  to: string,
  replaces: Dialog | null,
): Promise<number | null> {
  const address = addressOf(pbx.release, who);
  const port = await freeUdpPort([address]);
  const { sip } = pbx.state.ports;
  return sendRequest({
    from: { address, port },
    to: { address: "127.0.0.1", port: sip },
    lines: [
      `REFER ${dialog.target} SIP/2.0`,
      `From: ${dialog.local}`,
      `To: ${dialog.remote}`,
      `Call-ID: ${dialog.callId}`,
      `CSeq: ${CSEQ} REFER`,
      `Contact: <sip:lab@${address}:${pbx.state.ports.phone}>`,
      `Refer-To: <sip:${to}@127.0.0.1:${sip}${replaces === null ? "" : `?Replaces=${replacing(replaces)}`}>`,
      `Referred-By: <sip:${who}@127.0.0.1>`,
    ],
  });
}

/** From the PBX's point of view: to-tag is its own, from-tag the phone's. */
function replacing({ callId, local, remote }: Dialog): string {
  return encodeURIComponent(`${callId};to-tag=${tagIn(remote)};from-tag=${tagIn(local)}`);
}

function tagIn(header: string): string {
  return /tag=([^;>\s]+)/.exec(header)?.[1] ?? "";
}

function uriIn(contact: string): string {
  return /<([^>]+)>/.exec(contact)?.[1] ?? contact;
}
