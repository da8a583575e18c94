import { copyFileSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../lab/command.ts";
import type { Pbx } from "../lab/pbx.ts";

/** What an Asterisk may write its calls into, as one agent finds it. */
export type Records = "cel_sqlite" | "cel_csv" | "cel_csv_rotated" | "cdr_sqlite" | "cdr_csv";

interface Shown {
  conf: readonly string[];
  /** Of the log folder: as the agent sees it, and where it really is. */
  files: readonly (readonly [name: string, real: string])[];
  cel: boolean;
}

const SHOWN: Readonly<Record<Records, Shown>> = {
  cel_sqlite: {
    conf: ["cel.conf", "cdr.conf", "cel_sqlite3_custom.conf", "cdr_sqlite3_custom.conf"],
    files: [["master.db", "master.db"]],
    cel: true,
  },
  cel_csv: {
    conf: ["cel.conf", "cdr.conf", "cel_custom.conf", "cdr_custom.conf"],
    files: [
      ["cel-custom", "cel-custom"],
      ["cdr-custom", "cdr-custom"],
    ],
    cel: true,
  },
  // Its columns are those every Asterisk has unless told otherwise: no file says which.
  cel_csv_rotated: { conf: ["cel.conf"], files: [["cel-custom", "cel-custom/usual"]], cel: true },
  cdr_sqlite: {
    conf: ["cdr.conf", "cdr_sqlite3_custom.conf"],
    files: [["master.db", "master.db"]],
    cel: false,
  },
  cdr_csv: { conf: ["cdr.conf", "cdr_custom.conf"], files: [["cdr-custom", "cdr-custom"]], cel: false },
};

/** Lays out `folder` as the root of an Asterisk that has these records and no others: the PBX's own settings, its own files. */
export function showRecords(pbx: Pbx, records: Records, folder: string): void {
  const { conf, files, cel } = SHOWN[records];
  const [etc, log] = [join(folder, "etc/asterisk"), join(folder, "var/log/asterisk")];
  for (const each of [etc, log]) mkdirSync(each, { recursive: true });
  for (const name of ["asterisk.conf", ...conf]) copyFileSync(join(pbx.paths.etc, name), join(etc, name));
  if (!cel) writeFileSync(join(etc, "cel.conf"), "[general]\nenable = no\n");
  for (const [name, real] of files) symlinkSync(join(pbx.paths.logs, real), join(log, name));
}

/** More than any run makes. */
const ROTATED_MAX = 20;

/** What logrotate does (compress, delaycompress) with the log that `cel_csv_rotated` shows. */
export async function rotate(pbx: Pbx): Promise<void> {
  const log = join(pbx.paths.logs, "cel-custom/usual/Master.csv");
  const move = (from: string, to: string): void => {
    if (existsSync(from)) renameSync(from, to);
  };
  for (let nth = ROTATED_MAX; nth >= 2; nth--) move(`${log}.${nth}.gz`, `${log}.${nth + 1}.gz`);
  move(`${log}.1`, `${log}.2`);
  if (existsSync(`${log}.2`)) await run("gzip", [`${log}.2`]);
  move(log, `${log}.1`);
}
