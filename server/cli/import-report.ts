import type { Outcome } from "../mongo/session.ts";
import type { Tally } from "../mongo/validate/sql.ts";
import type { ValidationReport } from "../mongo/validate/validate.ts";
import type { Messages } from "./messages.ts";
import { oneLine, table } from "./print.ts";

type Words = Messages["importing"];

/** What a run of `import mongo` came to, for people. */
export function reportText(outcome: Outcome, { importing: say }: Messages): string {
  const { counts, rejects, rejectsFile, validation } = outcome;
  const blocks = [
    `${outcome.source}${outcome.stopped ? `  ${say.reportStopped}` : ""}`,
    table(
      [say.documents, say.inMigrated, say.linkedToLive, say.rejected],
      [[counts.documents, counts.migrated, counts.linked, sum(rejects)].map(String)],
    ),
    words(say.byRule, counts.rules, say.decision),
    words(say.rejected, rejects, say.decision),
    rejectsFile === null ? "" : say.rejectsFile(rejectsFile),
    outcome.wouldMake === null ? "" : words(say.wouldMake, outcome.wouldMake, (id) => id),
    validation === null ? "" : validationText(validation, say),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function validationText(report: ValidationReport, say: Words): string {
  const { documents, sample } = report;
  const read = [documents.read, documents.migrated, documents.linked, documents.rejected];
  return [
    say.validation,
    table(
      [say.read, say.inCalls, say.linked, say.rejected, say.repeated, say.missing, say.differing],
      [[...read, documents.repeated, documents.missing, documents.differing].map(String)],
    ),
    tallyTable([...report.totals, ...report.breakdown, ...report.wrongs], say),
    table(
      [say.query, say.rows, say.ms, ""],
      report.queries.map(({ name, rows, ms, failure }) => [say.counted(name), String(rows), String(ms), failure ?? ""]),
    ),
    say.sample(sample.calls, sample.differences.length),
    ...sample.differences.map(
      ({ uniqueId, field, expected, found }) =>
        `  ${oneLine(uniqueId)} ${say.difference(field, short(expected, say), short(found, say))}`,
    ),
    ...named(say.missing, report.missing),
    ...named(say.differing, report.differing),
    report.ok ? say.addsUp : say.doesNotAdd,
  ].join("\n");
}

function tallyTable(tallies: readonly Tally[], say: Words): string {
  return table(
    ["", say.source, say.database, ""],
    tallies.map(({ name, expected, found }) => [
      say.counted(name),
      String(expected),
      String(found),
      expected === found ? "" : say.differs,
    ]),
  );
}

function words(
  title: string,
  counts: Readonly<Record<string, number | undefined>>,
  told: (word: string) => string,
): string {
  const lines = Object.entries(counts).map(([word, count]) => `  ${oneLine(told(word))}: ${count ?? 0}`);
  return lines.length === 0 ? "" : [`${title}:`, ...lines].join("\n");
}

function named(title: string, ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [`${title}: ${ids.map(oneLine).join(", ")}`];
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function short(value: unknown, { nothing }: Words): string {
  const text = JSON.stringify(value) ?? nothing;
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}
