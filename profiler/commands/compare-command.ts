import type { Command } from 'commander';
import { InflessError } from '../../models/base/errors.ts';
import { compareTables, regressions } from '../../profiles/compare.ts';
import { readTable } from '../../profiles/store.ts';
import { renderComparison } from '../report/comparison.ts';
import { parsePercent } from './options.ts';

interface CompareOptions {
  readonly failOn?: number;
  readonly json?: boolean;
}

const EXIT_REGRESSION = 1;

/** `infless-profile compare`: what has become slower from one table to another. */
export function addCompareCommand(program: Command): void {
  program
    .command('compare')
    .description('tell cell by cell how much slower or faster a model has become')
    .argument('<before>', 'a profile table (JSON)')
    .argument('<after>', 'another one')
    .option(
      '--fail-on <percent>',
      'exit 1 where a cell is slower by more than this, beyond both intervals',
      (text) => parsePercent(text, '--fail-on', 0, 100_000),
    )
    .option('--json', 'write the comparison as JSON')
    .action(compare);
}

async function compare(before: string, after: string, { failOn, json }: CompareOptions): Promise<void> {
  const comparison = compareTables(await readTable(before), await readTable(after));
  if (comparison.meanRatio === null) {
    throw new InflessError('INVALID_INPUT', `Tables ${before} and ${after} have no config in common`, {
      remedy: 'Measure both over the same --batches and --cpus.',
    });
  }
  process.stdout.write(
    json === true ? `${JSON.stringify(comparison, null, 2)}\n` : renderComparison(comparison),
  );
  if (failOn === undefined) return;
  const slower = regressions(comparison, failOn);
  if (slower.length === 0) return;
  const worst = slower.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  process.stderr.write(
    `error: ${slower.length} of ${comparison.cells.length} cells became slower by more than ${Number((failOn * 100).toPrecision(4))} %, the worst ${worst.ratio.toFixed(2)} times as slow.\n`,
  );
  process.exitCode = EXIT_REGRESSION;
}
