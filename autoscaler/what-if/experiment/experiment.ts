import { join } from 'node:path';
import { writeFileSafely } from '../../../models/base/files.ts';
import { packageVersion } from '../../../models/base/package.ts';
import { type ExperimentReport, renderExperimentPage } from './experiment-page.ts';
import { type GridFile, sha256 } from './grid-file.ts';
import { figuresCsv, isFailure } from './run-figures.ts';
import { RunJournal } from './run-journal.ts';
import { runAll } from './run-pool.ts';
import { prepareGrid, runsOf } from './settings.ts';
import { type DoneRun, summaryCsv, summaryOf } from './summary.ts';

export interface ExperimentOptions {
  /** Where the journal, the CSV files and the page go. */
  readonly folder: string;
  readonly threads: number;
  readonly commandLine: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, all: number) => void;
}

/**
 * Runs what of a grid is not done yet, and writes what all of it came to. The same grid gives the same files,
 * byte for byte, however often it was interrupted and on however many threads it ran.
 */
export async function runExperiment(
  { grid, inputs }: GridFile,
  { folder, threads, commandLine, signal, onProgress }: ExperimentOptions,
): Promise<ExperimentReport> {
  const prepared = await prepareGrid(grid);
  const runs = runsOf(grid);
  const digest = sha256(JSON.stringify([packageVersion, inputs.map((each) => each.sha256), runs]));
  const journal = new RunJournal(folder, digest);
  const left = runs.filter((run) => journal.outcomeOf(run) === undefined);
  let done = runs.length - left.length;
  onProgress?.(done, runs.length);
  await runAll(left, prepared, {
    threads,
    ...(signal === undefined ? {} : { signal }),
    onOutcome: (run, outcome) => {
      journal.add(run, outcome);
      done += 1;
      onProgress?.(done, runs.length);
    },
  });
  const outcomes = runs.flatMap((run): DoneRun[] => {
    const outcome = journal.outcomeOf(run);
    return outcome === undefined ? [] : [{ run, outcome }];
  });
  const report: ExperimentReport = {
    done: outcomes,
    all: runs.length,
    rows: summaryOf(outcomes),
    notes: [...prepared.notes, ...failuresOf(outcomes)],
    provenance: {
      version: packageVersion,
      node: process.version,
      commandLine,
      inputs,
      seeds: grid.seeds,
      grid,
    },
  };
  await write(folder, report);
  return report;
}

function failuresOf(outcomes: readonly DoneRun[]): string[] {
  const failures = outcomes.flatMap(({ run, outcome }) =>
    isFailure(outcome) ? [`policy ${run.policy} failed: ${outcome.failure}`] : [],
  );
  return [...new Set(failures)];
}

async function write(folder: string, report: ExperimentReport): Promise<void> {
  const { done, rows, provenance } = report;
  await writeFileSafely(join(folder, 'runs.csv'), figuresCsv(done));
  await writeFileSafely(join(folder, 'summary.csv'), summaryCsv(rows));
  await writeFileSafely(join(folder, 'provenance.json'), `${JSON.stringify(provenance, null, 2)}\n`);
  await writeFileSafely(join(folder, 'index.html'), await renderExperimentPage(report));
}
