import { run } from "../support/processes.ts";
import type { Scene } from "./account.ts";
import { inPart } from "./failure.ts";
import type { Words } from "./words.ts";

interface Query {
  title: keyof Words;
  sql: string;
  /** What to say of the answer here. */
  note?: keyof Words;
}

/** The analytics of the schema's page word for word, then where somebody was blind. */
const QUERIES: readonly Query[] = [
  { title: "qSources", sql: "SELECT data_source, COUNT(*) FROM calls GROUP BY data_source;" },
  {
    title: "qEnterprises",
    sql: `SELECT enterprise_id, COUNT(*) as downloaded_events
FROM calls WHERE data_source = 'downloaded'
GROUP BY enterprise_id ORDER BY downloaded_events DESC;`,
  },
  {
    title: "qAnswers",
    sql: `SELECT extension, COUNT(*) as answered_calls
FROM call_participants
WHERE participant_status = 'answered'
GROUP BY extension ORDER BY answered_calls DESC;`,
  },
  {
    title: "qRing",
    sql: `SELECT extension, AVG(ring_duration) as avg_ring_time
FROM call_participants
WHERE participant_status = 'answered'
GROUP BY extension;`,
  },
  { title: "qUnprocessed", sql: "SELECT COUNT(*) FROM call_events WHERE processed = FALSE;" },
  {
    title: "qTelegram",
    sql: `SELECT event_type, COUNT(*) FROM call_events
WHERE needs_telegram = TRUE AND telegram_sent = FALSE
GROUP BY event_type;`,
    note: "noTelegram",
  },
  {
    title: "qGaps",
    sql: "SELECT from_time, to_time, cause, repaired_by FROM gaps ORDER BY from_time;",
    note: "noGaps",
  },
  {
    title: "qHoles",
    sql: `SELECT coalesce(sum(upper(hole) - lower(hole)), 0) AS missing
FROM streams, unnest(int8multirange(int8range(1, upper(received))) - received) AS hole;`,
  },
];

/** Asks the seed's questions through the server's own `sql` command and prints the answers. */
export async function report({ house, screen, words }: Scene): Promise<void> {
  const answers = await inPart(words.partQueries, () =>
    Promise.all(QUERIES.map(({ sql }) => ask(house.command(["sql", sql])))),
  );
  screen.line();
  screen.line(screen.paint.bold(words.asked));
  for (const [n, { title, sql, note }] of QUERIES.entries()) {
    screen.line();
    screen.line(screen.paint.bold(words[title] as string));
    screen.line(screen.paint.dim(indent(sql)));
    screen.line(indent(answers[n]!));
    if (note !== undefined) screen.line(indent(`(${words[note] as string})`));
  }
  screen.line();
}

async function ask(args: readonly string[]): Promise<string> {
  const { code, stdout, output } = await run("server/main.ts", args);
  if (code !== 0) throw new Error(output);
  return stdout;
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
