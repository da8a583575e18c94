/**
 * Whether two calls' phone_number are the same, however country and trunk prefixes are written: the last nine digits, found by
 * index, and the tenth where both have one. Where numbers have ten, as +7 812 and 912 with the same rest, nine are two people's.
 */
export function sameNumber(a: string, b: string): string {
  return `(right(${a}, 9) = right(${b}, 9) AND coalesce(${tenth(a)} = ${tenth(b)}, TRUE))`;
}

/** The tenth digit from the end, but for leading zeros: they are trunk prefixes. */
function tenth(number: string): string {
  return `substring(ltrim(${number}, '+0') FROM '(\\d)\\d{9}$')`;
}
