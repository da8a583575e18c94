/** What an agent says to the server before and beside its events. */

/** `{code}` -> EnrolReply. A code works once. */
export const ENROL_PATH = "/v1/enrol";
/** Bearer of the present key -> KeyReply. With `{look: true}` nothing is handed out: it only tells that the key is good. */
export const KEY_PATH = "/v1/key";

export interface EnrolReply {
  site: number;
  /** The site key, `rp_<site>_<secret>`. */
  key: string;
  enterprise: string;
  host: string;
}

export interface KeyReply {
  /** The key to use from now on; null when the present one stays good. */
  key: string | null;
}
