import type { CardCall } from "./card-call.ts";
import { escapeHtml } from "./html.ts";
import { CARD_LIMITS } from "./limits.ts";

/** Addresses (escaped for HTML) of a call's recordings by the enterprise's template; none when the call has no recording. */
export function recordingLinks(
  template: string,
  { extra, uniqueId }: Pick<CardCall, "extra" | "uniqueId">,
  enterpriseId: string,
): string[] {
  const paths = [extra["recording"]].flat().filter((path): path is string => typeof path === "string" && path !== "");
  return paths.slice(0, CARD_LIMITS.recordingsMax).flatMap((path) => {
    const values: Record<string, string> = {
      recording: encoded(path),
      file: encodeURIComponent((path.split("/").at(-1) ?? "").toWellFormed()),
      unique_id: encodeURIComponent(uniqueId),
      enterprise: encodeURIComponent(enterpriseId),
    };
    const url = template.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all);
    return isRecordingTemplate(url) ? [escapeHtml(url)] : [];
  });
}

/** Whether it is a web address. */
export function isRecordingTemplate(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/** A path without what would lead out of its folder. */
function encoded(path: string): string {
  const parts = path
    .toWellFormed()
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..");
  return parts.map(encodeURIComponent).join("/");
}
