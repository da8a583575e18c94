import type { LinkMode } from "../stack/link.ts";
import { pause } from "../stack/stack.ts";
import type { Fault } from "./fault.ts";

function linkFault(name: string, mode: LinkMode, title: string): Fault {
  return {
    name,
    title,
    touches: ["link"],
    inject: async (stack, _random, holdMs) => {
      stack.link.set(mode);
      await pause(holdMs);
      stack.link.set("open");
    },
  };
}

export const LINK_FAULTS: readonly Fault[] = [
  linkFault("link-cut", "cut", "connections are reset and refused"),
  linkFault("link-half-open", "half_open", "bytes vanish, what was connected stays dead without a word"),
  linkFault("link-slow", "slow", "20 KB/s and 300 ms each way"),
  linkFault("reply-lost", "reply_lost", "the server commits, its reply never arrives"),
  linkFault("proxy-errors", "proxy_errors", "a proxy answers 502, 503, 504 with a page of HTML"),
  linkFault("request-doubled", "doubled", "a proxy sends every request twice at once, to both servers"),
  linkFault(
    "reply-halved",
    "reply_halved",
    "the server commits, and only half of its reply arrives, as if it were whole",
  ),
  linkFault("upload-torn", "torn_upload", "half of the upload reaches the server, then its connection ends"),
];
