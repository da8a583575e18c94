/** A customer: its settings say what an extension and a trunk is, and in which time zone its people read times. */
export interface Enterprise {
  id: string;
  name: string;
  /** Lands in calls.token. */
  token: string;
  /** IANA name. */
  timezone: string;
  /** Regular expression; null: told by what the site shows. */
  extensions: string | null;
  /** Peer names without technology; empty: told by what the site shows. */
  trunks: string[];
}

/** SQLSTATEs these verbs turn into answers. */
export const UNIQUE_VIOLATION = "23505";
export const FOREIGN_KEY_VIOLATION = "23503";
export const INVALID_PARAMETER_VALUE = "22023";
