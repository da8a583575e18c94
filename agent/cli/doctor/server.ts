import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { KEY_PATH } from "../../../shared/enrol.ts";
import { scrub } from "../../../shared/log.ts";
import { postJson } from "../../install/exchange.ts";
import { presentKey } from "../../key.ts";
import type { Settings } from "../../settings.ts";
import { trusted } from "../../tls.ts";
import { fail, foundOf, judge, pass, skip, warn, type Check } from "./checks.ts";

const CONNECT_MS_MAX = 8_000;
const CERTIFICATE_DAYS_MIN = 14;
const DAY_MS = 86_400_000;
const CLOCK_MS_MAX = 5_000;

/** The way to the server, from the name to the key. */
export async function checkServer(settings: Settings): Promise<Check[]> {
  const url = new URL(settings.server.url);
  return [
    await checkName(url.hostname),
    ...(await checkTls(url, settings.server.ca_file)),
    ...(await checkKey(settings)),
  ];
}

async function checkName(hostname: string): Promise<Check> {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0) return pass("dns", host);
  try {
    return pass("dns", (await lookup(host)).address);
  } catch (error) {
    return fail("dns", foundOf(error));
  }
}

async function checkTls(url: URL, caFile: string): Promise<Check[]> {
  if (url.protocol !== "https:") return [skip("tls", "plain http"), skip("certificate", "plain http")];
  const port = Number(url.port || 443);
  const socket = connect({
    host: url.hostname,
    port,
    ...(isIP(url.hostname) === 0 ? { servername: url.hostname } : {}),
    timeout: CONNECT_MS_MAX,
    ...trusted(caFile),
  });
  try {
    const error = await new Promise<Error | null>((done) => {
      socket.once("secureConnect", () => done(null));
      socket.once("error", done);
      socket.once("timeout", () => done(new Error(`no answer within ${CONNECT_MS_MAX / 1000} s`)));
    });
    if (error !== null) return [fail("tls", foundOf(error)), skip("certificate", "no TLS connection")];
    const { valid_to: until } = socket.getPeerCertificate();
    const days = Math.floor((Date.parse(until) - Date.now()) / DAY_MS);
    return [
      pass("tls", socket.getProtocol() ?? ""),
      judge("certificate", days >= CERTIFICATE_DAYS_MIN, `until ${until} (${days} days)`, "warn"),
    ];
  } finally {
    socket.destroy();
  }
}

/** Only looks: a key that is being rotated is the running agent's to fetch. */
async function checkKey(settings: Settings): Promise<Check[]> {
  const { url, ca_file: caFile } = settings.server;
  try {
    const { status, body, serverMs } = await postJson(url, KEY_PATH, {
      caFile,
      key: presentKey(settings),
      body: { look: true },
    });
    const said = typeof body["message"] === "string" ? body["message"] : `HTTP ${status}`;
    const key = status === 200 ? pass("key", "accepted") : fail("key", scrub(said));
    // The answer's date is in whole seconds.
    const aheadMs = serverMs + 500 - Date.now();
    if (Number.isNaN(aheadMs)) return [key, skip("clock_server", "not told")];
    return [
      key,
      judge("clock_server", Math.abs(aheadMs) < CLOCK_MS_MAX, `${Math.round(aheadMs / 1000)} s ahead`, "warn"),
    ];
  } catch (error) {
    return [warn("key", foundOf(error)), skip("clock_server", "not told")];
  }
}
