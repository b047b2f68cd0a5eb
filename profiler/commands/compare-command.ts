import {
  argument,
  defineProgram,
  option,
  toggle,
  type Values,
} from '../../models/base/command-line/option-table.ts';
import { file } from '../../models/base/command-line/parsers.ts';
import { InflessError } from '../../models/base/errors.ts';
import { compareTables, regressions } from '../../profiles/compare.ts';
import { readTable } from '../../profiles/store.ts';
import { renderComparison } from '../report/comparison.ts';
import { parsePercent } from './options.ts';

const EXIT_REGRESSION = 1;

const OPTIONS = {
  before: argument({ argument: '<before>', parse: file, help: 'a profile table (JSON)' }),
  after: argument({ argument: '<after>', parse: file, help: 'another profile table (JSON)' }),
  failOn: option({
    flag: '--fail-on <percent>',
    parse: (text, name) => parsePercent(text, name, 0, 100_000),
    help: 'exit code 1 if a cell is slower by more than this, beyond both intervals',
  }),
  json: toggle({ flag: '--json', help: 'write the comparison as JSON' }),
};

/** `infless-profile compare`: what has become slower from one table to another. */
export const compareCommand = defineProgram({
  name: 'compare',
  summary: 'Compare two tables cell by cell: what has become slower or faster?',
  options: OPTIONS,
  run: compare,
});

async function compare({ before, after, failOn, json }: Values<typeof OPTIONS>): Promise<void> {
  const comparison = compareTables(await readTable(before), await readTable(after));
  if (comparison.meanRatio === null) {
    throw new InflessError('INVALID_INPUT', `Tables ${before} and ${after} have no config in common`, {
      remedy: 'Measure both over the same --batches and --cpus.',
    });
  }
  process.stdout.write(json ? `${JSON.stringify(comparison, null, 2)}\n` : renderComparison(comparison));
  if (failOn === undefined) return;
  const slower = regressions(comparison, failOn);
  if (slower.length === 0) return;
  const worst = slower.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  process.stderr.write(
    `error: ${slower.length} of ${comparison.cells.length} cells became slower by more than ${Number((failOn * 100).toPrecision(4))} %, the worst ${worst.ratio.toFixed(2)} times as slow.\n`,
  );
  process.exitCode = EXIT_REGRESSION;
}
