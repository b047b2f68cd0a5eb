import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with one plain line that scripts can read, after naming every test that was skipped and why, or
 * run again.
 */
export default class PlainSummary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'pending') continue;
        counts[result.state] += 1;
        const retries = test.diagnostic()?.retryCount ?? 0;
        if (retries > 0) process.stdout.write(`run again ${module.relativeModuleId} > ${test.fullName}\n`);
        if (result.state === 'skipped') {
          const reason = 'note' in result && result.note ? `: ${result.note}` : '';
          process.stdout.write(`skipped ${module.relativeModuleId} > ${test.fullName}${reason}\n`);
        }
      }
    }
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  }
}
