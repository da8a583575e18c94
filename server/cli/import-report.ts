import type { Outcome } from "../mongo/session.ts";
import type { Tally } from "../mongo/validate/sql.ts";
import type { ValidationReport } from "../mongo/validate/validate.ts";
import { oneLine, table } from "./print.ts";

/** What a run of `import mongo` came to, for people. */
export function reportText(outcome: Outcome): string {
  const { counts, rejects, rejectsFile, validation } = outcome;
  const blocks = [
    `${outcome.source}${outcome.stopped ? "  (stopped; the same command goes on from here)" : ""}`,
    table(
      ["documents", "in migrated calls", "linked to live calls", "rejected"],
      [[counts.documents, counts.migrated, counts.linked, sum(rejects)].map(String)],
    ),
    words("decided by rule", counts.rules),
    words("rejected", rejects),
    rejectsFile === null ? "" : `rejects with their reasons: ${rejectsFile}`,
    outcome.wouldMake === null ? "" : words("enterprises that would be registered, documents", outcome.wouldMake),
    validation === null ? "" : validationText(validation),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function validationText(report: ValidationReport): string {
  const { documents, sample } = report;
  const read = [documents.read, documents.migrated, documents.linked, documents.rejected];
  return [
    "Validation: the source read again, against the database",
    table(
      ["read", "in calls", "linked", "rejected", "repeated", "missing", "differing"],
      [[...read, documents.repeated, documents.missing, documents.differing].map(String)],
    ),
    tallyTable([...report.totals, ...report.breakdown, ...report.wrongs]),
    table(
      ["query", "rows", "ms", ""],
      report.queries.map(({ name, rows, ms, failure }) => [name, String(rows), String(ms), failure ?? ""]),
    ),
    `sample: ${sample.calls} calls compared field by field, ${sample.differences.length} differences`,
    ...sample.differences.map(
      ({ uniqueId, field, expected, found }) =>
        `  ${oneLine(uniqueId)} ${field}: expected ${short(expected)}, found ${short(found)}`,
    ),
    ...named("missing", report.missing),
    ...named("differing", report.differing),
    report.ok ? "It adds up." : "IT DOES NOT ADD UP.",
  ].join("\n");
}

function tallyTable(tallies: readonly Tally[]): string {
  return table(
    ["", "source", "database", ""],
    tallies.map(({ name, expected, found }) => [
      name,
      String(expected),
      String(found),
      expected === found ? "" : "<- differs",
    ]),
  );
}

function words(title: string, counts: Readonly<Record<string, number | undefined>>): string {
  const lines = Object.entries(counts).map(([word, count]) => `  ${oneLine(word)}: ${count ?? 0}`);
  return lines.length === 0 ? "" : [`${title}:`, ...lines].join("\n");
}

function named(title: string, ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [`${title}: ${ids.map(oneLine).join(", ")}`];
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}
