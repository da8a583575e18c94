import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { connect, createServer } from "node:net";

/** Who holds a data folder: a server for its whole life, or a command for a moment. */
export interface Holder {
  role: "server" | "command";
  pid: number;
  ready: boolean;
}

export interface Hold {
  /** Tells others whether the database may be used now. */
  setReady(ready: boolean): void;
  release(): Promise<void>;
}

const answerMsMax = 2_000;

/**
 * Takes a data folder for this process alone, or returns undefined when somebody has it.
 * The lock is a socket in Linux's abstract namespace named after the folder's device and inode: the kernel frees it
 * when its owner dies, however it dies, so there is no stale lock to clean up.
 */
export function takeFolder(root: string, role: Holder["role"]): Promise<Hold | undefined> {
  const holder: Holder = { role, pid: process.pid, ready: false };
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(JSON.stringify(holder));
  });
  server.unref();
  const release = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return new Promise((resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen({ path: lockName(root) }, () => resolve({ setReady: (ready) => (holder.ready = ready), release }));
  });
}

/** Who holds the folder now; undefined when nobody does. */
export function whoHolds(root: string): Promise<Holder | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ path: lockName(root) });
    socket.setEncoding("utf8").setTimeout(answerMsMax, () => socket.destroy());
    socket.on("data", (chunk) => (text += chunk));
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(parseHolder(text)));
  });
}

function parseHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}

function lockName(root: string): string {
  const { dev, ino } = statSync(root);
  return `\0ringpost-${createHash("sha256").update(`${dev}:${ino}`).digest("hex").slice(0, 24)}`;
}
