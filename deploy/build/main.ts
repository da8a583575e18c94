import { mkdir } from "node:fs/promises";
import { relative } from "node:path";
import { buildAddon } from "./addon.ts";
import { bundle } from "./bundle.ts";
import { makeDeb } from "./deb.ts";
import { measure } from "./measure.ts";
import { NOTIFY_ADDON } from "./notify.ts";
import { BINARY, DIST, NODE, REPOSITORY, WORK } from "./paths.ts";
import { makeBinary } from "./sea.ts";
import { provePortable } from "./symbols.ts";

const say = (line: string) => console.log(line);
const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

if (process.platform !== "linux" || process.arch !== "x64") {
  console.error(
    "build:agent makes the binary for Linux x64, on Linux x64. On arm64 run the agent from the checkout: npm run agent",
  );
  process.exit(1);
}
await mkdir(WORK, { recursive: true });
await mkdir(DIST, { recursive: true });
const addon = await buildAddon(say);
await makeBinary({ ...(await bundle()), addon }, BINARY);
for (const file of [NODE, BINARY, addon, NOTIFY_ADDON]) {
  const { symbols, newest } = await provePortable(file);
  say(`${relative(REPOSITORY, file)}: ${symbols} symbols of the system, none newer than glibc ${newest}`);
}
const deb = await makeDeb({ binary: BINARY });
const { bytes, startMs, rssBytes, anonymousBytes } = await measure(BINARY);
say(
  `${relative(REPOSITORY, BINARY)}: ${megabytes(bytes)}, starts in ${startMs} ms, resident ${megabytes(rssBytes)} (its own ${megabytes(anonymousBytes)})`,
);
say(relative(REPOSITORY, deb));
