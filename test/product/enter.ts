/** As a technician's shell has it after logging in. */
export const SHELL_ENV = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C",
  DEBIAN_FRONTEND: "noninteractive",
} as const;

/** Arguments of `unshare` that run a command in a root folder with /proc and /dev, leaving no mount behind. */
export function entering(root: string, command: readonly string[]): string[] {
  const enter = `mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"`;
  return ["-m", "--propagation", "private", "sh", "-c", enter, root, ...command];
}
