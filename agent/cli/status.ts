import { statSync } from "node:fs";
import { EXIT } from "../../shared/errors.ts";
import { askStatus } from "../control/socket.ts";
import { assess } from "./assess.ts";
import { bytes, renderStatus } from "./render.ts";
import type { Texts } from "./texts.ts";

export interface StatusAnswer {
  text: string;
  exitStatus: number;
}

/** What `status` prints and the exit status it ends with, whether the agent runs or not. */
export async function statusCommand(outboxPath: string, json: boolean, texts: Texts): Promise<StatusAnswer> {
  const status = await askStatus(outboxPath);
  if (status === null) return notRunning(outboxPath, json, texts);
  const level = assess(status);
  const text = json ? JSON.stringify({ ...status, level }, null, 2) : renderStatus(status, level, texts);
  return { text, exitStatus: EXIT[level] };
}

function notRunning(path: string, json: boolean, texts: Texts): StatusAnswer {
  const file = statSync(path, { throwIfNoEntry: false });
  const exitStatus = EXIT.critical;
  if (json) {
    const outbox = {
      path,
      file_bytes: file?.size ?? null,
      written_at: file === undefined ? null : Math.round(file.mtimeMs),
    };
    return { text: JSON.stringify({ running: false, level: "critical", outbox }, null, 2), exitStatus };
  }
  const left = file === undefined ? texts.noOutbox : texts.outboxLeft(bytes(file.size), file.mtime.toISOString());
  return { text: `${texts.notRunning(path)}\n${left}`, exitStatus };
}
