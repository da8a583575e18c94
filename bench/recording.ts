import { join } from "node:path";
import { SCENARIOS } from "../test/support/captures.ts";
import { loadCapture, type Capture } from "../test/support/pbx/capture.ts";
import { eventFilter, mayRead, RECOMMENDED_RIGHTS } from "../test/support/pbx/rights.ts";

const passes = eventFilter(RECOMMENDED_RIGHTS.eventfilters);

/** A recorded scenario of Asterisk 22. */
export function recording(name: string): Capture {
  return loadCapture(join(SCENARIOS, "22", name));
}

/** The events of a recording that an AMI user with the recommended rights is sent. */
export function visibleEvents(capture: Capture): string[] {
  return capture.connections
    .flatMap(({ events }) => events.map(({ text }) => text))
    .filter((text) => mayRead(RECOMMENDED_RIGHTS.read, ["all"], text) && passes(text));
}

/** AMI as such a user gets it: the recorded load of 300 calls, over and over until there are enough events. */
export function amiBytes(eventsMin: number): Buffer {
  const events = visibleEvents(recording("load300"));
  const once = Buffer.from(events.join(""), "latin1");
  return Buffer.concat(Array.from({ length: Math.ceil(eventsMin / events.length) }, () => once));
}
