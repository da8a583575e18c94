import colors from "picocolors";

export type Shade = "pass" | "ok" | "warn" | "warning" | "fail" | "critical" | "skip";
/** Colours a text by what it means; on anything but a terminal it stays as it is. */
export type Paint = (shade: Shade, text: string) => string;

export function painter(coloured: boolean): Paint {
  const { green, yellow, red, dim } = colors.createColors(coloured);
  const by: Record<Shade, (text: string) => string> = {
    pass: green,
    ok: green,
    warn: yellow,
    warning: yellow,
    fail: red,
    critical: red,
    skip: dim,
  };
  return (shade, text) => by[shade](text);
}
