import { availableParallelism } from 'node:os';
import { systemClock } from '../../../models/base/clock.ts';
import { onInterrupt } from '../../../models/base/command-line/interrupt.ts';
import {
  argument,
  defineProgram,
  option,
  type Values,
} from '../../../models/base/command-line/option-table.ts';
import { file, wholeNumber } from '../../../models/base/command-line/parsers.ts';
import { EXIT_INTERRUPTED } from '../../../models/base/errors.ts';
import { ProgressLine } from './progress-line.ts';

const OPTIONS = {
  grid: argument({
    argument: '<grid>',
    parse: file,
    help: 'YAML file: functions, cluster, load, policies, seeds and what is varied',
  }),
  out: option({
    flag: '-o, --out <folder>',
    parse: file,
    otherwise: 'results beside the grid',
    help: 'where results go; runs that are there already are not done again',
  }),
  threads: option({
    flag: '--threads <count>',
    parse: wholeNumber(1),
    otherwise: 'one a core',
    help: 'runs at a time',
  }),
};

/** `infless-autoscaler experiment`: a grid of simulations, in parallel, that can be stopped and resumed. */
export const experimentCommand = defineProgram({
  name: 'experiment',
  summary: 'Simulate policies × seeds × settings: CSV, a summary with intervals, and a page with pictures.',
  options: OPTIONS,
  notes: `
Writes runs.csv (a row a run and function), summary.csv, provenance.json and index.html.
Started again after Ctrl-C, it goes on where it was. docs/research.md shows grids.

Exit codes: 0 done, 1 a policy failed, 2 bad input, 130 interrupted.`,
  run: experiment,
});

async function experiment({ grid: gridFile, out, threads }: Values<typeof OPTIONS>): Promise<void> {
  const [{ readGrid }, { runExperiment }, { summaryText }, { isFailure }] = await Promise.all([
    import('../experiment/grid-file.ts'),
    import('../experiment/experiment.ts'),
    import('../experiment/summary-text.ts'),
    import('../experiment/run-figures.ts'),
  ]);
  const grid = await readGrid(gridFile);
  const folder = out ?? `${gridFile.replace(/\.[^./\\]+$/, '')}-results`;
  const interrupt = onInterrupt();
  const progress = new ProgressLine(process.stderr, systemClock);
  try {
    const report = await runExperiment(grid, {
      folder,
      threads: threads ?? availableParallelism(),
      commandLine: process.argv.slice(2),
      signal: interrupt.signal,
      onProgress: (done, all) => progress.update(done / all, () => `${done} of ${all} runs`),
    });
    progress.clear();
    const { done, all, rows, notes } = report;
    const text = [
      summaryText(rows),
      ...notes.map((note) => `note  ${note}`),
      `${done.length} of ${all} runs, in ${folder}`,
    ];
    process.stdout.write(`${text.filter((part) => part !== '').join('\n')}\n`);
    if (done.length < all) process.exitCode = EXIT_INTERRUPTED;
    else if (done.some(({ outcome }) => isFailure(outcome))) process.exitCode = 1;
  } finally {
    progress.clear();
    interrupt.release();
  }
}
