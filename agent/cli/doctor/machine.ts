import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { SERVICE } from "../../install/system.ts";
import { fsck } from "../outbox.ts";
import { fail, foundOf, judge, pass, skip, warn, type Check } from "./checks.ts";

const MEGABYTE = 1024 * 1024;
const DISK_BYTES_WARN = 500 * MEGABYTE;
const DISK_BYTES_FAIL = 50 * MEGABYTE;
const WAL_BYTES_MAX = 64 * MEGABYTE;
const WRITE_MS_MAX = 500;
const OUTBOX_CHECK_MS_MAX = 5_000;

/** The outbox, its disk, and the machine around. */
export async function checkMachine(outboxPath: string, root: string): Promise<Check[]> {
  const folder = dirname(outboxPath);
  return [
    await checkOutbox(outboxPath),
    checkWal(outboxPath),
    checkSpace(folder),
    checkSpeed(folder),
    checkZone(root),
    checkService(root),
  ];
}

async function checkOutbox(path: string): Promise<Check> {
  if (!existsSync(path)) return skip("outbox", "the agent has not run yet");
  const result = await fsck(path, OUTBOX_CHECK_MS_MAX);
  if ("failed" in result) return fail("outbox", result.failed);
  return judge(
    "outbox",
    result.bad.length === 0,
    `${result.complete ? "" : "the first "}${result.checked} rows, ${result.bad.length} damaged`,
    "fail",
  );
}

function checkWal(path: string): Check {
  const bytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  return judge("wal", bytes <= WAL_BYTES_MAX, `${(bytes / MEGABYTE).toFixed(1)} MB`, "warn");
}

function checkSpace(folder: string): Check {
  try {
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    const found = `${Math.floor(free / MEGABYTE)} MB free`;
    return free < DISK_BYTES_FAIL
      ? fail("disk_space", found)
      : judge("disk_space", free >= DISK_BYTES_WARN, found, "warn");
  } catch (error) {
    return fail("disk_space", foundOf(error));
  }
}

/** One megabyte, written through to the disk: what the agent asks of it many times a minute is far less. */
function checkSpeed(folder: string): Check {
  const file = join(folder, `.ringpost-doctor-${process.pid}`);
  try {
    const startedAt = performance.now();
    const fd = openSync(file, "wx", 0o600);
    try {
      writeSync(fd, Buffer.alloc(MEGABYTE));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const ms = Math.round(performance.now() - startedAt);
    return judge("disk_speed", ms <= WRITE_MS_MAX, `1 MB in ${ms} ms`, "warn");
  } catch (error) {
    return warn("disk_speed", foundOf(error));
  } finally {
    rmSync(file, { force: true });
  }
}

/** Asterisk tells its start in local time: agent and PBX must mean the same by it. */
function checkZone(root: string): Check {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const linked = /zoneinfo\/(.+)$/.exec(linkOf(join(root, "/etc/localtime")) ?? "")?.[1];
  if (linked === undefined || linked === zone) return judge("timezone", zone !== "", zone, "warn");
  return judge("timezone", nowIn(zone) === nowIn(linked), `${zone} (${linked})`, "warn");
}

/** What clocks show there; nothing when nobody knows that zone. */
function nowIn(timeZone: string): string {
  try {
    return new Date().toLocaleString("en-GB", { timeZone, timeStyle: "short", dateStyle: "short" });
  } catch {
    return "";
  }
}

function linkOf(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}

function checkService(root: string): Check {
  if (!existsSync(join(root, "/run/systemd/system"))) return skip("service", "no systemd on this machine");
  try {
    const said = execFileSync("systemctl", ["is-enabled", SERVICE], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return pass("service", said.trim());
  } catch (error) {
    const said = String((error as { stdout?: unknown }).stdout ?? "").trim();
    return warn("service", said === "" ? "-" : said);
  }
}
