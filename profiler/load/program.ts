import { type Command, Option } from 'commander';
import { createProgram } from '../../models/base/command-line/program.ts';
import { EXIT_INTERRUPTED } from '../../models/base/errors.ts';
import { writeFileSafely } from '../../models/base/files.ts';
import { PROTOCOLS } from '../../models/protocols/index.ts';
import { type CliOptions, toLoadOptions } from './options.ts';
import { formatSecond, formatSummary, type LoadReport } from './report.ts';
import { runLoad } from './run.ts';
import { TARGET_HELP } from './target.ts';

/** The program `infless-load`. */
export function loadProgram(): Command {
  return createProgram(
    'infless-load',
    'Load an inference endpoint in an open loop and tell whether it kept its SLO.',
  )
    .argument('<url>', TARGET_HELP)
    .option('--rate <number>', 'requests per second')
    .option('--ramp <points>', 'straight lines between rates at times, like 10@0s,50@10s,10@30s')
    .option('--trace <file>', 'rates from a file: one a line, or CSV')
    .option('--interval <duration>', 'how long each rate of the trace holds', '1s')
    .option('--column <name>', 'column of a CSV trace, by header or number', '1')
    .option('--scale <factor>', 'multiplies every rate', '1')
    .option('--duration <duration>', 'how long to send (default: 30s, or to the end of ramp or trace)')
    .option('--arrivals <process>', 'constant, poisson or gamma', 'poisson')
    .option('--cv <number>', 'coefficient of variation of gamma intervals: 1 is Poisson, 2 bursty')
    .option('--seed <integer>', 'the same seed gives the same arrivals and inputs', '1')
    .addOption(
      new Option('--protocol <name>', 'how to speak to it (default: as the URL tells)').choices(
        PROTOCOLS.map(({ name }) => name),
      ),
    )
    .option('--data <file>', 'request body from a file')
    .option('--body <text>', "request body (default: made up from the model's metadata)")
    .option('--method <method>', 'HTTP method', 'POST')
    .option('--header <line>', 'request header, like "Authorization: Basic …"; repeatable', collect)
    .option('--timeout <duration>', 'give up on an answer after', '30s')
    .option(
      '--max-outstanding <count>',
      'requests on their way at once; those beyond count as dropped',
      '1000',
    )
    .option('--slo <duration>', 'latency target; exit code 1 when it is missed')
    .option('--percentile <number>', 'share of all requests, in percent, that must meet the SLO', '99')
    .option(
      '--json [file]',
      'write the report as JSON to a file, or to standard output instead of the summary',
    )
    .action(load);
}

function collect(line: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, line];
}

async function load(url: string, options: CliOptions): Promise<void> {
  const loadOptions = await toLoadOptions(url, options);
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.once('SIGINT', onSignal); // a second Ctrl-C ends the process at once
  try {
    const report = await runLoad(
      loadOptions,
      (second) => process.stderr.write(`${formatSecond(second)}\n`),
      interrupt.signal,
    );
    await write(report, options.json);
    if (report.interrupted) process.exitCode = EXIT_INTERRUPTED;
    else if (report.slo?.met === false) process.exitCode = 1;
  } finally {
    process.removeListener('SIGINT', onSignal);
  }
}

async function write(report: LoadReport, json: string | true | undefined): Promise<void> {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  process.stdout.write(json === true ? text : formatSummary(report));
  if (typeof json === 'string') await writeFileSafely(json, text);
}
