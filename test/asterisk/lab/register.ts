import { RingpostError } from "../../../shared/errors.ts";
import { addressOf, PHONES } from "./office.ts";
import type { LabPaths } from "./paths.ts";
import type { Release } from "./releases.ts";
import { sendRequest } from "./sip/packet.ts";
import type { LabState } from "./state.ts";

const EXPIRES_SECONDS = 86_400;

interface Registrar {
  release: Release;
  paths: LabPaths;
  state: LabState;
}

/**
 * Registers the office's phones, each from its own address; the unregistered one stays away.
 * @throws RingpostError `lab_register` when the PBX refuses one.
 */
export async function registerPhones(pbx: Registrar): Promise<void> {
  const answers = await Promise.all([...PHONES.keys()].map((extension) => register(pbx, extension)));
  const refused = [...PHONES.keys()].filter((_, index) => answers[index] !== 200);
  if (refused.length === 0) return;
  throw new RingpostError({
    code: "lab_register",
    attempted: "register the phones",
    on: `Asterisk ${pbx.release}`,
    found: `no 200 for ${refused.join(", ")}`,
    retry: "no",
    next: `read ${pbx.paths.logs}/messages`,
  });
}

function register(pbx: Registrar, extension: string): Promise<number | null> {
  const address = addressOf(pbx.release, extension);
  const { sip, phone } = pbx.state.ports;
  const uri = `sip:${extension}@127.0.0.1:${sip}`;
  return sendRequest({
    from: { address, port: phone },
    to: { address: "127.0.0.1", port: sip },
    lines: [
      `REGISTER sip:127.0.0.1:${sip} SIP/2.0`,
      `From: <${uri}>;tag=lab${extension}`,
      `To: <${uri}>`,
      `Call-ID: register-${extension}@${address}`,
      "CSeq: 1 REGISTER",
      `Contact: <sip:${extension}@${address}:${phone}>`,
      `Expires: ${EXPIRES_SECONDS}`,
    ],
  });
}
