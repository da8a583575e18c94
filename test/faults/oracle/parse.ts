import type { AmiEvent } from "../../../shared/ami-event.ts";

/** An event's text as sent over AMI, as the headers it has. */
export function parseEvent(text: string): AmiEvent {
  const event: AmiEvent = { Event: "" };
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) add(event, line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ""));
  }
  return event;
}

function add(event: AmiEvent, name: string, value: string): void {
  const before = event[name];
  if (before === undefined || (name === "Event" && before === "")) event[name] = value;
  else event[name] = Array.isArray(before) ? [...before, value] : [before, value];
}
