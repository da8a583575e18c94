/** `gone` becomes part of `survivor`. */
export interface Merge {
  gone: number;
  survivor: number;
  /** Whoever wants to know was told before the database was put back to an older copy. */
  toldBefore?: boolean;
}
