import Table from "cli-table3";

const NO_BORDERS = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid"])
    .map((name) => [name, ""]),
);

/** Rows in columns, without lines around them; no spaces at the ends of lines. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    ...(head.length > 0 ? { head: [...head] } : {}),
    chars: { ...NO_BORDERS, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString().replace(/[ \t]+$/gm, "");
}
