import { exists, run } from "./command.ts";
import { debianMirror } from "./mirror.ts";
import { RingpostError } from "../../../shared/errors.ts";

/** Programs the lab needs and the Debian package each comes in. */
const PROGRAMS: ReadonlyMap<string, string> = new Map([
  ["debootstrap", "debootstrap"],
  ["sipp", "sip-tester"],
]);

/** Both PBXs may be built at once, and either finds apt busy with the other's packages. */
const APT_WAIT_SECONDS = 180;

/** Why the lab cannot run on this machine, in words; null when it can (missing packages can be installed). */
export async function whyNot(): Promise<string | null> {
  if (process.platform !== "linux") return "the lab needs Linux";
  if (process.getuid?.() !== 0) return "the lab needs root (debootstrap, chroot and mount namespaces)";
  if ((await run("unshare", ["-m", "true"])).status !== 0)
    return "this machine does not allow mount namespaces (unshare -m)";
  if ((await debianMirror()) === null) return "apt names no Debian mirror on this machine";
  if ((await missingPackages()).length > 0 && !(await exists("apt-get")))
    return "debootstrap or sipp is missing, and there is no apt-get";
  return null;
}

/**
 * Installs what is missing with apt-get, saying so.
 * @throws RingpostError `lab_impossible` or `lab_packages`.
 */
export async function ensurePrerequisites(say: (line: string) => void): Promise<void> {
  const reason = await whyNot();
  if (reason !== null) {
    throw new RingpostError({
      code: "lab_impossible",
      attempted: "prepare the lab",
      on: "this machine",
      found: reason,
      retry: "no",
      next: "run it as root on a Debian machine",
    });
  }
  const missing = await missingPackages();
  if (missing.length > 0) await install(missing, say);
}

async function missingPackages(): Promise<string[]> {
  const missing: string[] = [];
  for (const [program, debianPackage] of PROGRAMS) if (!(await exists(program))) missing.push(debianPackage);
  return missing;
}

async function install(packages: readonly string[], say: (line: string) => void): Promise<void> {
  say(`installing ${packages.join(" and ")} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-q"], { env });
  const options = ["-o", `DPkg::Lock::Timeout=${APT_WAIT_SECONDS}`, "-y", "-q", "--no-install-recommends"];
  const result = await run("apt-get", ["install", ...options, ...packages], { env });
  if (result.status === 0) return;
  throw new RingpostError({
    code: "lab_packages",
    attempted: "install",
    on: packages.join(", "),
    found: result.stderr.trim().split("\n").at(-1) ?? "apt-get failed",
    retry: "later",
    next: `install ${packages.join(" and ")} by hand`,
  });
}
