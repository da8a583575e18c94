import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, messageOf, RingpostError } from "../../shared/errors.ts";
import { Store } from "../outbox/store.ts";
import { sayRefused, type CommonOptions, type Context } from "./context.ts";
import { diagnostics } from "./diagnostics.ts";
import { readLog, viewLogLine } from "./logs.ts";
import { viewSettings, withoutSecrets } from "./settings-view.ts";
import { versions } from "./versions.ts";

/** Commands about files: settings, log, diagnostics. Each resolves with the exit status. */

export async function onConfigCheck(context: Context, options: CommonOptions): Promise<number> {
  const settings = context.settings(options);
  const file = context.configFile(options) ?? "environment";
  const json = JSON.stringify({ file, good: true, outbox: settings.outbox.path });
  context.ports.print(options.json === true ? json : context.voice.words.configGood(file));
  return EXIT.ok;
}

export async function onConfigShow(context: Context, options: CommonOptions): Promise<number> {
  const settings = context.settings(options);
  const { hidden } = context.voice.words;
  const json = options.json === true;
  context.ports.print(
    json ? JSON.stringify(withoutSecrets(settings, hidden), null, 2) : viewSettings(settings, hidden),
  );
  return EXIT.ok;
}

export async function onLogs(
  context: Context,
  options: CommonOptions & { lines: number; file?: string },
): Promise<number> {
  const lines = readLog(options.lines, options.file);
  if (lines === null || lines.length === 0) {
    const { noJournal, noLines } = context.voice.words;
    sayRefused(context, options.json, "no_log", lines === null ? noJournal : noLines);
    return EXIT.warning;
  }
  for (const line of lines) context.ports.print(options.json === true ? line : viewLogLine(line));
  return EXIT.ok;
}

interface DiagnosticsOptions extends CommonOptions {
  output?: string;
  withCalls?: boolean;
  log?: string;
}

export async function onDiagnostics(context: Context, options: DiagnosticsOptions): Promise<number> {
  const settings = context.settings(options);
  const withCalls = options.withCalls === true;
  const zip = await diagnostics(settings, context.configFile(options) ?? "environment", {
    withCalls,
    logFile: options.log,
  });
  const file =
    options.output ?? `ringpost-diagnostics-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.zip`;
  save(file, zip);
  context.ports.print(
    options.json === true ? JSON.stringify({ file, bytes: zip.length }) : context.voice.words.written(file),
  );
  return EXIT.ok;
}

function save(file: string, content: Uint8Array): void {
  try {
    writeFileSync(file, content, { mode: 0o600 });
  } catch (cause) {
    throw new RingpostError({
      code: "not_written",
      attempted: "write the file",
      on: file,
      found: messageOf(cause),
      retry: "no",
      next: "Choose another place with --output",
      cause,
    });
  }
}

export async function onVersion(context: Context, options: CommonOptions): Promise<number> {
  const all = versions();
  const text = Object.entries(all).map(([name, version]) => `${name.padEnd(8)} ${version}`);
  context.ports.print(options.json === true ? JSON.stringify(all) : text.join("\n"));
  return EXIT.ok;
}

/** Makes an outbox, writes to it and reads it back: the program and its parts fit this machine. Asked before an update. */
export async function onSelfTest(context: Context): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "ringpost-self-test-"));
  try {
    const store = new Store(join(folder, "outbox.db"));
    store.transaction(() => store.remember("self_test", "kept"));
    const kept = store.recall("self_test") === "kept";
    store.close();
    context.ports.print(JSON.stringify({ good: kept, ...versions() }));
    return kept ? EXIT.ok : EXIT.critical;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
