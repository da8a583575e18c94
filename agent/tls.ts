import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";

/** Certificates to trust: the well-known ones, and those of the company's own authority when a file is named. */
export function trusted(caFile: string): { ca?: string[] } {
  return caFile === "" ? {} : { ca: [...rootCertificates, readFileSync(caFile, "utf8")] };
}
