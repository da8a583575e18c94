import type { Directory } from "../../server/assemble/index.ts";

/** The settings of the company whose PBX made the captures. */
export const LAB: Directory = {
  timezone: "Europe/Kyiv",
  extensions: /^1[5-7]\d$/,
  trunks: new Set(["trunk-a", "trunk-b", "trunk-s"]),
};

/** A company that told nothing about its PBX. */
export const NO_SETTINGS: Directory = { timezone: "Europe/Kyiv", extensions: null, trunks: new Set() };
