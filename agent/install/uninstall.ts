import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { readAdded, RECORD, type Added } from "./record.ts";
import { OUTBOX, STATE_FOLDER } from "./steps.ts";
import { SERVICE, SERVICE_USER, unfinished, type System } from "./system.ts";

export type RemovalName = "stop" | "file" | "line" | "ami_reload" | "user" | "outbox" | "folder";

export interface Removal {
  name: RemovalName;
  on: string;
  run(): void;
  /** What else is removed does not depend on it: when it fails that is told, and the rest goes on. */
  optional?: boolean;
}

/** All an installation added, as things to take away, by its own record. The outbox goes only when asked. */
export function removals(system: System, purge: boolean): Removal[] {
  const added = readAdded(system);
  const folders = [dirname(system.path(RECORD)), ...added.folders]
    .filter((folder, at, all) => all.lastIndexOf(folder) === at)
    .toReversed()
    .map((folder) => ({ name: "folder" as const, on: folder, run: () => dropEmpty(folder) }));
  // Cut off before it could note anything.
  if (!existsSync(system.path(RECORD))) return folders.filter(({ on }) => isEmpty(on));
  return [
    ...stop(system),
    ...added.lines.map(({ file, line, newline }) => ({
      name: "line" as const,
      on: `${file}: ${line}`,
      run: () => dropLine(system, file, line, newline),
    })),
    ...added.files.map((file) => ({ name: "file" as const, on: file, run: () => dropFile(file) })),
    ...reload(system, added),
    ...(purge ? [{ name: "outbox" as const, on: STATE_FOLDER, run: () => dropOutbox(system) }] : []),
    ...(added.user ? [{ name: "user" as const, on: SERVICE_USER, run: () => dropUser(system) }] : []),
    { name: "file", on: system.path(RECORD), run: () => dropFile(system.path(RECORD)) },
    ...folders,
  ];
}

function stop(system: System): Removal[] {
  if (!system.hasSystemd) return [];
  const run = () =>
    void system.run("systemctl", ["disable", "--now", SERVICE], `Stop ${SERVICE} by hand, then run this again`);
  return [{ name: "stop", on: SERVICE, run }];
}

function dropFile(file: string): void {
  for (const one of [file, unfinished(file)]) rmSync(one, { force: true });
}

function dropLine(system: System, file: string, line: string, newline: boolean): void {
  rmSync(unfinished(file), { force: true });
  const text = system.read(file);
  if (text === undefined) return;
  const { uid, gid, mode } = system.ownerOf(file);
  const kept = text.split("\n").filter((one) => one.replace(/\r$/, "") !== line);
  const rest = kept.join("\n");
  system.write(file, newline ? rest.replace(/\n$/, "") : rest, mode, { uid, gid });
}

function reload(system: System, added: Added): Removal[] {
  if (added.files.length === 0) return [];
  const next = "Reload the manager by hand: asterisk -rx 'manager reload'";
  return [
    {
      name: "ami_reload",
      on: "asterisk -rx 'manager reload'",
      optional: true,
      run: () => void system.run("asterisk", ["-rx", "manager reload"], next),
    },
  ];
}

function dropOutbox(system: System): void {
  const folder = system.path(STATE_FOLDER);
  if (!existsSync(folder)) return;
  const own = OUTBOX.slice(STATE_FOLDER.length + 1);
  for (const name of readdirSync(folder)) if (name.startsWith(own)) rmSync(`${folder}/${name}`, { force: true });
}

function dropUser(system: System): void {
  if (system.userId(SERVICE_USER) === undefined) return;
  const inRoot = system.root === "" ? [] : ["--prefix", system.root];
  system.run("userdel", [...inRoot, SERVICE_USER], "Remove the user ringpost by hand");
}

/** A folder that somebody else put something into stays. */
function dropEmpty(folder: string): void {
  if (isEmpty(folder)) rmdirSync(folder);
}

function isEmpty(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).length === 0;
}
