import { arch, platform, release } from "node:os";
import { AGENT_VERSION } from "../version.ts";

export function versions(): Record<string, string> {
  // Otherwise the report resolves the names of all peers first.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return {
    agent: AGENT_VERSION,
    node: process.versions.node,
    system: `${platform()} ${release()} ${arch()}`,
    glibc: report.header?.glibcVersionRuntime ?? "-",
  };
}
