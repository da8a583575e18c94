import type { Notify } from "../control/notify.ts";
import { loadAddon } from "./addon.ts";

/** In the binary's bundle this stands in for control/notify.ts: the addon that can send a datagram is inside the binary. */
export function notifier(): Notify | null {
  if (process.env["NOTIFY_SOCKET"] === undefined) return null;
  return (loadAddon("notify") as { notify: Notify }).notify;
}
