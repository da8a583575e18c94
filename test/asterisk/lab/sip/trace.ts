import { readFile } from "node:fs/promises";

/** One SIP message as SIPp logged it. */
export interface SipMessage {
  /** Epoch seconds. */
  at: number;
  sent: boolean;
  /** Request method, or the status code of a reply. */
  method: string | null;
  status: number | null;
  headers: ReadonlyMap<string, string>;
  callId: string;
  /** Method of the CSeq header: what a reply replies to. */
  cseqMethod: string;
}

const BLOCK = /^-{20,} (\d{4}-\d\d-\d\d)\s+(\d\d:\d\d:\d\d\.\d+)\n/m;

/** Reads SIPp's message file; an absent one (no message yet) is empty. */
export async function readMessages(file: string): Promise<SipMessage[]> {
  return parseMessages(await readFile(file, "utf8").catch(() => ""));
}

/** SIPp writes local time; the lab's processes share one time zone. */
export function parseMessages(text: string): SipMessage[] {
  const parts = text.split(BLOCK);
  const found: SipMessage[] = [];
  for (let index = 1; index + 2 < parts.length; index += 3) {
    const at = Date.parse(`${parts[index]}T${(parts[index + 1] ?? "").slice(0, 12)}`) / 1_000;
    const message = parseOne(at, parts[index + 2] ?? "");
    if (message !== null) found.push(message);
  }
  return found;
}

function parseOne(at: number, block: string): SipMessage | null {
  const how = /^\w+ message (sent|received)/.exec(block)?.[1];
  if (how === undefined) return null;
  const [start = "", ...rest] = block.slice(block.indexOf("\n")).trim().split(/\r?\n/);
  const status = /^SIP\/2\.0 (\d{3})/.exec(start)?.[1];
  const headers = new Map<string, string>();
  for (const line of rest) {
    if (line === "") break;
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return {
    at,
    sent: how === "sent",
    method: status === undefined ? (start.split(" ")[0] ?? null) : null,
    status: status === undefined ? null : Number(status),
    headers,
    callId: headers.get("call-id") ?? "",
    cseqMethod: headers.get("cseq")?.split(" ")[1] ?? "",
  };
}
