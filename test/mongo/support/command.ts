import { spawn } from "node:child_process";

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** When to kill: so many ms after the process was started, or after it told of its first batch. */
export interface Kill {
  from: "start" | "first batch";
  ms: number;
}

/** The real `import mongo` in a process of its own; ended by SIGKILL when `kill` is given. */
export function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  kill?: Kill,
): Promise<Ended> {
  const child = spawn(process.execPath, ["server/main.ts", "import", "mongo", ...args], {
    env: { ...process.env, ...env },
  });
  let [out, err] = ["", ""];
  let timer: NodeJS.Timeout | undefined;
  const arm = (): unknown => (timer ??= setTimeout(() => child.kill("SIGKILL"), kill?.ms));
  child.stdout.on("data", (bytes) => (out += String(bytes)));
  child.stderr.on("data", (bytes) => {
    err += String(bytes);
    if (kill?.from === "first batch") arm();
  });
  if (kill?.from === "start") arm();
  return new Promise((resolve) =>
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, out, err });
    }),
  );
}
