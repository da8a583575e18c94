import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, RingpostError } from "../../shared/errors.ts";

export const SERVICE = "ringpost-agent";
export const SERVICE_USER = "ringpost";
const COMMAND_MS_MAX = 60_000;

export interface Owner {
  uid: number;
  gid: number;
}

/** What a write that was cut off leaves beside the file. */
export function unfinished(file: string): string {
  return `${file}.ringpost-new`;
}

/** Everything the installation asks of the machine; `root` is put before every path, "" on a real machine. */
export class System {
  readonly root: string;
  constructor(root: string) {
    this.root = root;
  }

  path(path: string): string {
    return join(this.root, path);
  }

  read(file: string): string | undefined {
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  /** Whole or not at all, with its mode and owner from the first byte on. A link stays one: what it points to is written. */
  write(file: string, text: string | Buffer, mode: number, owner?: Owner): void {
    this.makeFolder(dirname(file));
    const target = existsSync(file) ? realpathSync(file) : file;
    const temporary = unfinished(target);
    rmSync(temporary, { force: true });
    try {
      writeFileSync(temporary, text, { mode: 0o600, flag: "wx", flush: true });
      if (owner !== undefined) chownSync(temporary, owner.uid, owner.gid);
      chmodSync(temporary, mode);
      renameSync(temporary, target);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  makeFolder(folder: string): void {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  }

  /** The folder and those above it that are not there, outermost first. */
  missingFolders(folder: string): string[] {
    const missing: string[] = [];
    for (let at = folder; !existsSync(at); at = dirname(at)) missing.push(at);
    return missing.toReversed();
  }

  ownerOf(file: string): Owner & { mode: number } {
    const { uid, gid, mode } = statSync(file);
    return { uid, gid, mode: mode & 0o777 };
  }

  /** From this root's own passwd file. */
  userId(name: string): Owner | undefined {
    const line = (this.read(this.path("/etc/passwd")) ?? "").split("\n").find((entry) => entry.startsWith(`${name}:`));
    const [, , uid, gid] = line?.split(":") ?? [];
    return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
  }

  get hasSystemd(): boolean {
    return existsSync(this.path("/run/systemd/system"));
  }

  /** Runs a command of the machine. @throws RingpostError with what it said. */
  run(program: string, args: readonly string[], next: string): string {
    try {
      return execFileSync(program, [...args], {
        encoding: "utf8",
        timeout: COMMAND_MS_MAX,
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (cause) {
      const said = String((cause as { stderr?: unknown }).stderr ?? "").trim();
      const found = said === "" ? messageOf(cause) : said;
      throw new RingpostError({
        code: "command_failed",
        attempted: `run ${program}`,
        on: args.join(" "),
        found,
        retry: "no",
        next,
        cause,
      });
    }
  }
}
