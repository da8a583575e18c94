import { statSync } from "node:fs";
import { EXIT } from "../../shared/errors.ts";
import { askStatus } from "../control/ask.ts";
import { assess } from "./assess.ts";
import { moment } from "./format.ts";
import { adviceOf, renderStatus } from "./render.ts";
import { bytes } from "./format.ts";
import { troublesOf } from "../control/troubles.ts";
import type { Voice } from "./voice.ts";

export interface Answer {
  text: string;
  exitStatus: number;
}

/** What `status` prints and the exit status it ends with, whether the agent runs or not. */
export async function statusCommand(outboxPath: string, json: boolean, voice: Voice): Promise<Answer> {
  const status = await askStatus(outboxPath);
  if (status === null) return notRunning(outboxPath, json, voice);
  const level = assess(status);
  const exitStatus = EXIT[level];
  if (!json) return { text: renderStatus(status, level, voice), exitStatus };
  const troubles = troublesOf(status).map((trouble) => ({ ...trouble, remedy: adviceOf(trouble, voice).remedy }));
  return { text: JSON.stringify({ ...status, level, troubles }, null, 2), exitStatus };
}

function notRunning(path: string, json: boolean, { texts, words, paint }: Voice): Answer {
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
  const left = file === undefined ? texts.noOutbox : texts.outboxLeft(bytes(file.size), moment(file.mtimeMs));
  return { text: `${paint("critical", texts.notRunning(path))}\n${left}\n${words.start}`, exitStatus };
}
