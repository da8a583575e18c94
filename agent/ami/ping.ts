import { firstOf } from "../../shared/ami-message.ts";
import type { Clock } from "../clock.ts";
import type { AmiConnection } from "./connection.ts";

/** Longer than an answer of a live Asterisk takes. */
const PING_MS_PROMPT = 2_000;

export interface Pong {
  /** It came at once, and so behind all events before it. One that lay in a socket tells no clock. */
  isPrompt: boolean;
  /** How far the PBX's clock is ahead, when it told. */
  aheadMs?: number | undefined;
}

/** Pings at once and then every so often; returns what ends that. An unanswered ping closes the connection, which tells it. */
export function pingEvery(
  connection: AmiConnection,
  everyMs: number,
  clock: Clock,
  answered: (pong: Pong) => void,
): () => void {
  const ping = async () => {
    const [sentAt, sentMono] = [clock.wallMs(), clock.monoMs()];
    const answer = await connection.action("Ping");
    if (clock.monoMs() - sentMono > PING_MS_PROMPT) return answered({ isPrompt: false });
    const stamped = Number(firstOf(answer["Timestamp"]) ?? Number.NaN);
    const aheadMs = stamped * 1000 - (sentAt + clock.wallMs()) / 2;
    answered(Number.isNaN(aheadMs) ? { isPrompt: true } : { isPrompt: true, aheadMs });
  };
  const pingQuietly = () => void ping().catch(() => {});
  pingQuietly();
  const timer = setInterval(pingQuietly, everyMs);
  return () => clearInterval(timer);
}
