import type { Reporter, TestCase } from "vitest/node";

/** A test that passed only when it was run once more lost a race or found a fault: what it said the first time is shown. */
export default class Retried implements Reporter {
  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky !== true) return;
    const errors = (test.result().errors ?? []).map(({ stack, message, diff }) =>
      [stack ?? message, diff ?? ""].join("\n"),
    );
    process.stderr.write(`\nPassed only when it was run again: ${test.fullName}\n${errors.join("\n")}\n`);
  }
}
