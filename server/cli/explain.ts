import type { Command } from "commander";
import { codeOf, messageOf } from "../../shared/errors.ts";
import { explainCall, foldCalls, renderLadder, type CallEvent, type Directory } from "../assemble/index.ts";
import { readRecording } from "../explain/recording.ts";
import { readStoredCall } from "../explain/stored.ts";
import { findCalls, type FoundCall } from "../store/findCall.ts";
import { parsers } from "./arguments.ts";
import { Refused, wantsJson, withPool, type Context } from "./context.ts";
import { examples } from "./enterprise.ts";
import { oneLine } from "./print.ts";

interface Options {
  call?: string;
  extensions?: string;
  trunks?: string[];
  timezone?: string;
}

export function explainCommand(program: Command, context: Context): void {
  const { say } = context;
  const parse = parsers(say);
  program
    .command("explain")
    .description(say.aboutExplain)
    .argument("[file]", say.argRecording)
    .option("--call <id>", say.optCall)
    .option("--extensions <regex>", say.optExtensions, parse.extensions)
    .option("--trunks <names>", say.optTrunks, parse.trunks)
    .option("--timezone <zone>", say.optTimezone, parse.timezone)
    .option("--json", say.optJson)
    .addHelpText("after", examples(say.examples, EXAMPLES))
    .action((file: string | undefined, options: Options, command: Command) => explain(context, command, file, options));
}

const EXAMPLES = ["explain ami.raw --trunks trunk-a", "explain ami.raw.gz --json", "explain --call 1749034247.6528"];

async function explain(context: Context, command: Command, file: string | undefined, options: Options): Promise<void> {
  const { io, say } = context;
  if ((file === undefined) === (options.call === undefined)) throw new Refused(say.explainWhat);
  const told =
    file === undefined
      ? await storedCalls(context, command, options)
      : [{ events: await recorded(context, file), directory: directoryOf(options) }];
  const blocks = told.flatMap(({ events, directory }) =>
    foldCalls(events).map((fold) => ({ explanation: explainCall(fold, directory), directory })),
  );
  if (wantsJson(command)) return io.out(JSON.stringify(blocks.map(({ explanation }) => explanation)));
  if (blocks.length === 0) return io.out(say.noCallsIn(file ?? options.call ?? ""));
  const texts = blocks.map(({ explanation, directory }) =>
    renderLadder(explanation, directory).map(oneLine).join("\n"),
  );
  io.out(texts.join("\n\n"));
}

async function recorded({ say }: Context, file: string): Promise<CallEvent[]> {
  try {
    return await readRecording(file);
  } catch (error) {
    throw new Refused(say.cannotRead(file, codeOf(error) ?? messageOf(error)));
  }
}

function storedCalls(
  context: Context,
  command: Command,
  options: Options,
): Promise<{ events: CallEvent[]; directory: Directory }[]> {
  const { say } = context;
  const name = options.call ?? "";
  return withPool(context, command, async (pool) => {
    const found = await findCalls(pool, name);
    if (found.length === 0) throw new Refused(say.noCall(name));
    const client = await pool.connect();
    try {
      const told = [];
      for (const call of found)
        told.push({ events: await readStoredCall(client, call), directory: directoryOf(settingsOf(call, options)) });
      return told;
    } finally {
      client.release();
    }
  });
}

/** What the command line says wins over the enterprise's settings. */
function settingsOf(call: FoundCall, options: Options): Options {
  return {
    timezone: options.timezone ?? call.timezone,
    trunks: options.trunks ?? call.trunks,
    ...((options.extensions ?? call.extensions) ? { extensions: options.extensions ?? call.extensions ?? "" } : {}),
  };
}

function directoryOf({ extensions, trunks, timezone }: Options): Directory {
  return {
    timezone: timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    extensions: extensions === undefined || extensions === "" ? null : new RegExp(extensions),
    trunks: new Set(trunks ?? []),
  };
}
