import { mkdir } from "node:fs/promises";
import { buildAddon } from "./addon.ts";
import { bundle } from "./bundle.ts";
import { BINARY, DIST, NODE, WORK } from "./paths.ts";
import { makeBinary } from "./sea.ts";
import { provePortable } from "./symbols.ts";

const say = (line: string) => console.log(line);

await mkdir(WORK, { recursive: true });
await mkdir(DIST, { recursive: true });
const addon = await buildAddon(say);
for (const file of [NODE, addon]) {
  const { symbols, newest } = await provePortable(file);
  say(`${symbols} symbols, none newer than glibc ${newest}: ${file}`);
}
await makeBinary({ ...(await bundle()), addon }, BINARY);
say(BINARY);
