import { run } from "./command.ts";

/** A bound socket of a process: TCP listener or UDP. */
export interface BoundSocket {
  protocol: string;
  address: string;
  port: string;
}

/** What a process has bound, by `ss`; empty where there is no `ss`. */
export async function socketsOf(pid: number): Promise<BoundSocket[]> {
  const { stdout } = await run("ss", ["-ltnupH"]);
  return stdout.split("\n").flatMap((line) => (line.includes(`pid=${pid},`) ? socketOf(line) : []));
}

function socketOf(line: string): BoundSocket[] {
  const [protocol = "", , , , local = ""] = line.split(/\s+/);
  const colon = local.lastIndexOf(":");
  return [{ protocol, address: local.slice(0, colon), port: local.slice(colon + 1) }];
}

export function offLoopback(sockets: readonly BoundSocket[]): BoundSocket[] {
  return sockets.filter(({ address }) => !address.startsWith("127.") && address !== "[::1]");
}

/**
 * PJSIP opens two UDP sockets on every address for its own DNS client and offers no setting for them.
 * The lab asks no names, so they are closed from outside (where the kernel allows it).
 */
export async function closeOffLoopback(pid: number): Promise<void> {
  for (const { protocol, port } of offLoopback(await socketsOf(pid))) {
    if (protocol === "udp") await run("ss", ["-K", "-u", "-a", "-n", `sport = :${port}`]);
  }
}
