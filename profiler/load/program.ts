import { defineProgram, type Values } from '../../models/base/command-line/option-table.ts';
import { EXIT_INTERRUPTED } from '../../models/base/errors.ts';
import { writeFileSafely } from '../../models/base/files.ts';
import { LOAD_OPTIONS, toLoadOptions } from './options.ts';
import type { LoadReport } from './report.ts';

/** The program `infless-load`. */
export const loadProgram = defineProgram({
  name: 'infless-load',
  summary: 'Load an inference endpoint in an open loop and report whether it kept its SLO.',
  options: LOAD_OPTIONS,
  notes: `
Exit codes: 0 the SLO is kept, or none was given; 1 it is missed; 2 bad input; 3 nothing answers; 130 interrupted.`,
  run: load,
});

async function load(values: Values<typeof LOAD_OPTIONS>): Promise<void> {
  const loadOptions = await toLoadOptions(values);
  const [{ runLoad }, { formatSecond }] = await Promise.all([import('./run.ts'), import('./report.ts')]);
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.once('SIGINT', onSignal); // a second Ctrl-C ends the process at once
  try {
    const report = await runLoad(
      loadOptions,
      (second) => process.stderr.write(`${formatSecond(second)}\n`),
      interrupt.signal,
    );
    await write(report, values.json);
    if (report.interrupted) process.exitCode = EXIT_INTERRUPTED;
    else if (report.slo?.met === false) process.exitCode = 1;
  } finally {
    process.removeListener('SIGINT', onSignal);
  }
}

async function write(report: LoadReport, json: string | true | undefined): Promise<void> {
  const { formatSummary } = await import('./report.ts');
  const text = `${JSON.stringify(report, null, 2)}\n`;
  process.stdout.write(json === true ? text : formatSummary(report));
  if (typeof json === 'string') await writeFileSafely(json, text);
}
