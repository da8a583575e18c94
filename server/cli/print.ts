import Table from "cli-table3";

/** A table without lines, columns apart by two spaces, as ops tools print it; wide Cyrillic and CJK text included. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const printed = new Table({
    head: [...columns],
    chars: NO_LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
  });
  printed.push(...rows.map((row) => row.map(oneLine)));
  return printed
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};

/** Text from outside cannot move the cursor, recolour the terminal or break a row in two. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, " ");
}

/** Seconds as people say them: `7 s`, `3:05`, `1:02:03`, `2 d 4 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  const tail = `${pad(minutes, hours > 0)}:${pad(whole % 60, true)}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}

function pad(value: number, two: boolean): string {
  return String(value).padStart(two ? 2 : 1, "0");
}

/** A share from 0 to 1; never 100% when anything is missing. */
export function percent(share: number): string {
  return share === 1 ? "100%" : `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`;
}

/** A moment as the clock on the enterprise's wall shows it: `2026-03-01 09:05:07`. */
export function moment(at: Date | null, timezone: string | null): string {
  if (!at) return "-";
  const shown = new Intl.DateTimeFormat("sv-SE", {
    timeZone: timezone ?? "UTC",
    dateStyle: "short",
    timeStyle: "medium",
  });
  return shown.format(at);
}

/** A value of any column as text. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" && !(value instanceof Date) ? JSON.stringify(value) : String(value);
}
