/** Says a line to systemd; false when nobody took it. */
export type Notify = (text: string) => boolean;

/**
 * The way to systemd, or null when it did not start us. Node has no datagram sockets in the file system: only the binary has the way
 * (agent/binary/notify.ts stands in for this there); an agent from a checkout is nobody's Type=notify.
 */
export function notifier(): Notify | null {
  return null;
}
