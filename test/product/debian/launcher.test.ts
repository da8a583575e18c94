import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { addLauncher } from "../../../deploy/build/launcher.ts";
import { run } from "../../asterisk/lab/command.ts";

const SETTINGS = ["MALLOC_ARENA_MAX=2", "MALLOC_MMAP_THRESHOLD_=65536"];
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

describe.skipIf(inject("productImpossible") !== null)("a program behind the launcher", () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ringpost-launcher-"));
    chmodSync(folder, 0o755);
    for (const name of ["bare", "behind"]) mkdirSync(join(folder, name));
    const source = join(import.meta.dirname, "launched.c");
    const { status, stderr } = await run("gcc", ["-O0", "-no-pie", "-o", join(folder, "bare/launched"), source]);
    if (status !== 0) throw new Error(stderr);
    copyFileSync(join(folder, "bare/launched"), join(folder, "behind/launched"));
    await addLauncher(join(folder, "behind/launched"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const start = (
    where: "bare" | "behind",
    args: readonly string[],
    env: Record<string, string>,
    before = "./launched",
  ) => {
    const [program = "", ...more] = before.split(" ");
    return spawnSync(program, [...more, ...args], {
      cwd: join(folder, where),
      env,
      encoding: "utf8",
      maxBuffer: OUTPUT_BYTES_MAX,
    });
  };
  const numbered = (count: number, value = "") =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`NAME_${n}`, value]));
  /** What malloc's settings add to what the bare program prints. */
  const withSettings = (text: string) =>
    text.replace(/ the environment\n/, (line) => line + SETTINGS.map((one) => `environment ${one}\n`).join(""));

  it.each([
    ["nothing at all", [], {}],
    ["one argument", ["a"], {}],
    ["two arguments, one of them empty", ["", "b c"], { HOME: "/root" }],
    ["20,000 arguments", Array.from({ length: 20_000 }, String), { A: "" }],
    ["30,000 names", ["x"], numbered(30_000)],
    ["an environment of 1.5 MB", [], numbered(1_500, "x".repeat(1_000))],
  ] as [string, string[], Record<string, string>][])(
    "has its arguments, its environment, and what the kernel tells it: %s",
    (_, args, env) => {
      const [bare, behind] = [start("bare", args, env), start("behind", args, env)];
      expect([behind.status, behind.signal]).toEqual([0, null]);
      expect(behind.stdout === withSettings(bare.stdout)).toBe(true);
      expect([bare.stderr, behind.stderr]).toEqual(["on the heap\n", "mapped\n"]);
    },
  );

  it("keeps the settings of malloc of whoever starts it", () => {
    const env = { MALLOC_MMAP_THRESHOLD_: "1000000" };
    const [bare, behind] = [start("bare", [], env), start("behind", [], env)];
    expect([behind.stdout, behind.stderr]).toEqual([bare.stdout, "on the heap\n"]);
  });

  it("is no way around what the kernel holds back from a set-user-id program", () => {
    const file = (where: string) => join(folder, where, "launched");
    for (const where of ["bare", "behind"]) chmodSync(file(where), 0o4755);
    const nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ./launched";
    const [bare, behind] = (["bare", "behind"] as const).map((where) =>
      start(where, ["x"], { LD_PRELOAD: "/none.so", PATH: "/usr/bin" }, nobody),
    );
    expect(behind?.stdout).toBe(withSettings(bare?.stdout ?? ""));
    expect(behind?.stdout).toContain("run as ./launched, securely\n");
    expect(behind?.stdout).not.toContain("LD_PRELOAD");
  });
});
