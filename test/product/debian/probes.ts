import { UNIT } from "../../../agent/install/unit.ts";

/** Lines of the unit's [Service] that shut something off, as `systemd-run` takes them. */
export function hardening(): string[] {
  const service = UNIT.slice(UNIT.indexOf("NoNewPrivileges="), UNIT.indexOf("[Install]"));
  return service
    .split("\n")
    .filter((line) => line.includes("="))
    .flatMap((line) => ["-p", line]);
}

/** Debian's perl-base is in every root folder: a system call by its number, successful or not. */
const call = (...numbers: number[]) => `perl -e 'exit(syscall(${numbers.join(", ")}) < 0 ? 1 : 0)'`;

/** What the service's user can do by itself and must not be able to do inside the service; each for the lines it proves. */
export const PROBES: readonly [lines: string, command: string][] = [
  ["ProtectSystem=strict", "touch /srv/open/probe"],
  ["ProtectHome=yes", "ls /home/open"],
  ["PrivateTmp=yes", "cat /tmp/outside"],
  ["PrivateUsers=yes", "grep -q '4294967295' /proc/self/uid_map"],
  ["ProtectProc=invisible", "cat /proc/1/cmdline"],
  ["ProcSubset=pid", "cat /proc/meminfo"],
  ["LockPersonality=yes", "setarch -R true"],
  ["RestrictNamespaces=yes", "unshare --user true"],
  ["RestrictAddressFamilies=", "perl -e 'use Socket; socket(my $s, 16, SOCK_RAW, 0) or exit 1'"],
  ["RestrictSUIDSGID=yes", "cp /bin/true /var/tmp/probe && chmod u+s /var/tmp/probe"],
  ["SystemCallFilter=~@resources", "chrt --batch 0 true"],
  ["SystemCallFilter=@system-service (ptrace is not in it)", call(101, 0, 0, 0, 0)],
  ["PrivateDevices=yes", "cat /dev/outside"],
];
