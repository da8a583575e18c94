import { spawn } from "node:child_process";

const COLUMNS_WIDE = 160;

/** What a command shows on a terminal, its escapes included, and how it ended. `script` gives it the terminal. */
export async function onTerminal(
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
  columns = COLUMNS_WIDE,
): Promise<{ text: string; status: number | null }> {
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const child = spawn("script", ["-qfec", `stty cols ${columns} rows 24; ${quoted}`, "/dev/null"], {
    env: { ...process.env, TERM: "xterm", NO_COLOR: "", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const status = await new Promise<number | null>((done) => child.once("close", done));
  return { text: text.replaceAll("\r\n", "\n"), status };
}

/** A screen with what differs from run to run replaced by words. */
export function steady(screen: string, names: Readonly<Record<string, string>>): string {
  let text = screen;
  for (const [found, name] of Object.entries(names)) text = text.replaceAll(found, name);
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "MOMENT")
    .replaceAll(/\b\d\d:\d\d:\d\d\b/g, "CLOCK")
    .replaceAll(/(process|процесс) \d+/g, "$1 PID")
    .replaceAll(/\d+(\.\d+)? (KB|MB|GB)/g, "N $2")
    .replaceAll(
      /(?<![\w.])-?\d+(\.\d+)? (s|ms|min|d|h|с|мс|мин|д|ч|события?й?\/с|событий\/с|events\/s)(?=[\s,.)]|$)/gm,
      "N $2",
    )
    .replaceAll(/(N (s|min|h|с|мин|ч)) N (s|min|с|мин)/g, "$1")
    .replaceAll(/^(glibc +)\S+/gm, "$1N")
    .replaceAll(/[ ]+$/gm, "");
}

/** Which of two clocks is ahead by a moment differs from run to run. */
export function withoutClocks(screen: string): string {
  const either = /the same$|N s (?:ahead of|behind) this machine|те же$|(?:впереди|отстают от) этой машины на N с/gm;
  return screen.replaceAll(either, "CLOCKS");
}
