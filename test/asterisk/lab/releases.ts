/** The Asterisk releases the lab runs, by major version. */
export const RELEASES = ["16", "22"] as const;
export type Release = (typeof RELEASES)[number];

export interface ReleaseFacts {
  /** Debian suite whose package holds it. */
  suite: string;
  packages: readonly string[];
  /** Modules this release needs beside the common list. */
  modules: readonly string[];
  /** First RTP port; the range is RTP_PORTS long and away from the ephemeral ports. */
  rtpStart: number;
}

export const RTP_PORTS = 4_000;

export const FACTS: Record<Release, ReleaseFacts> = {
  "16": { suite: "bullseye", packages: ["asterisk", "asterisk-voicemail"], modules: [], rtpStart: 20_000 },
  "22": { suite: "sid", packages: ["asterisk"], modules: ["res_cdrel_custom.so"], rtpStart: 24_000 },
};

export function isRelease(text: string): text is Release {
  return RELEASES.some((release) => release === text);
}
