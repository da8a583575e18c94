import { connect, type Socket } from "node:net";
import { codeOf, RingpostError } from "../../shared/errors.ts";
import { sleep } from "../sleep.ts";
import type { CheckedRows, OutboxLook } from "../outbox/look.ts";
import type { BlindPeriod } from "./blind.ts";
import type { SeenCall } from "./calls.ts";
import type { Request } from "./requests.ts";
import { ANSWER_MS_MAX, socketPath } from "./socket.ts";
import type { AgentStatus } from "./agent-status.ts";

const ANSWER_CHARACTERS_MAX = 4 * 1024 * 1024;

/** What an agent of an earlier version, still running during an update, does not tell. */
const NOT_TOLD: Pick<AgentStatus, "troubles_since" | "repair"> = {
  troubles_since: {},
  repair: { enabled: false, sources: [], problems: [], waiting: [], last: null },
};

/** The running agent's status, or null when no agent answers for this outbox. */
export async function askStatus(outboxPath: string): Promise<AgentStatus | null> {
  const told = await ask<AgentStatus>(outboxPath, { ask: "status" });
  const missing = Object.entries(NOT_TOLD).filter(([name]) => told !== null && !(name in told));
  return told === null ? null : { ...told, ...Object.fromEntries(missing) };
}

const LOOK_MS = 200;

/** The status once it is as wished, or as it is after `msMax`. */
export async function askStatusUntil(
  outboxPath: string,
  isAsWished: (status: AgentStatus | null) => boolean,
  msMax: number,
): Promise<AgentStatus | null> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const status = await askStatus(outboxPath);
    if (isAsWished(status) || waitedMs >= msMax) return status;
    await sleep(LOOK_MS);
  }
}

export const askCalls = (outboxPath: string, count: number) => ask<SeenCall[]>(outboxPath, { ask: "calls", count });
export const askGaps = (outboxPath: string) => ask<BlindPeriod[]>(outboxPath, { ask: "gaps" });
export const askOutbox = (outboxPath: string) => ask<OutboxLook>(outboxPath, { ask: "outbox" });
export const askCheck = (outboxPath: string, from: number) => ask<CheckedRows>(outboxPath, { ask: "check", from });

/** @throws RingpostError `agent_denied` when the socket is another user's: whether the agent runs cannot be told then. */
async function ask<T>(outboxPath: string, request: Request): Promise<T | null> {
  const socket = connect(socketPath(outboxPath));
  socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
  let text = "";
  await conversation(socket, request, outboxPath, (chunk) => {
    if (text.length < ANSWER_CHARACTERS_MAX) text += chunk;
  });
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}

/** Hands over line after line until `stop` or the agent's end; false when no agent answered at all. */
export async function follow(
  outboxPath: string,
  request: Request,
  line: (value: unknown) => void,
  stop: AbortSignal,
): Promise<boolean> {
  const socket = connect(socketPath(outboxPath));
  let answered = false;
  socket.once("connect", () => (answered = true));
  const end = () => socket.destroy();
  stop.addEventListener("abort", end);
  let text = "";
  await conversation(socket, request, outboxPath, (chunk) => {
    const lines = (text + chunk).split("\n");
    text = lines.pop() ?? "";
    for (const one of lines) line(JSON.parse(one));
  });
  stop.removeEventListener("abort", end);
  return answered;
}

/** Asks, hands over what is said, and resolves when the connection has ended. */
async function conversation(
  socket: Socket,
  request: Request,
  outboxPath: string,
  hear: (chunk: string) => void,
): Promise<void> {
  socket.once("connect", () => socket.write(`${JSON.stringify(request)}\n`));
  socket.setEncoding("utf8").on("data", hear);
  await new Promise<void>((done, fail) => {
    socket.on("error", (error) => (isDenied(error) ? fail(denied(outboxPath)) : socket.destroy()));
    socket.once("close", () => done());
  });
}

function isDenied(error: unknown): boolean {
  return ["EACCES", "EPERM"].includes(codeOf(error) ?? "");
}

function denied(outboxPath: string): RingpostError {
  return new RingpostError({
    code: "agent_denied",
    attempted: "ask the agent",
    on: outboxPath,
    found: "its socket is closed to this user",
    retry: "no",
    next: "It may well run: ask as root (sudo) or as the agent's own user",
  });
}
