import { type Command, Option } from 'commander';
import { createProgram } from '../../models/base/command-line/program.ts';
import { InflessError } from '../../models/base/errors.ts';
import { makeBundle } from './bundle/bundle.ts';
import { unpackEngine } from './bundle/unpack-engine.ts';
import { type Letter, STEP_LETTERS } from './plan.ts';
import { prove } from './run/prove.ts';

interface Options {
  readonly bundle?: string;
  readonly partSize: number;
  readonly computeCapability?: readonly number[];
  readonly unpackEngine?: string;
  readonly steps?: readonly Letter[];
  readonly out: string;
  readonly replay?: string;
  readonly time: number;
  readonly stepTime?: number;
}

const MOST_PART_MIB = 24;

/** The command line of `npm run prove:gpu`. */
export function proofProgram(): Command {
  return createProgram(
    'prove-gpu',
    'Shows on a machine with an NVIDIA card what INFless promises of GPUs, one step after the other.',
  )
    .option('--steps <list>', 'of a to i, as in c,f,h (default: all, the most telling first)', parseSteps)
    .option('--out <folder>', 'where the results go, as they come', 'proof')
    .option('--time <seconds>', 'for all steps together', parseSeconds, 480)
    .option('--step-time <seconds>', 'for each step at most (default: what it needs)', parseSeconds)
    .option('--replay <folder>', 'with the card played by programs that answer as recorded there')
    .option('--bundle <folder>', 'make what to bring to a machine without Node.js and registries, and end')
    .option(
      '--part-size <mebibytes>',
      'with --bundle: the largest file of it',
      (text) => parseBetween(text, '--part-size', 1, MOST_PART_MIB),
      21,
    )
    .option(
      '--compute-capability <list>',
      'with --bundle: only the code for these cards, as in 8.0,9.0 (default: all)',
      parseCapabilities,
    )
    .addOption(new Option('--unpack-engine <archive>').hideHelp())
    .action(run);
}

async function run(options: Options): Promise<void> {
  if (options.unpackEngine !== undefined) return unpackEngine(options.unpackEngine);
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  if (options.bundle !== undefined) {
    await makeBundle({
      folder: options.bundle,
      partBytes: options.partSize * 2 ** 20,
      computeCapabilities: options.computeCapability,
      tell,
    });
    return;
  }
  process.exitCode = await prove({
    letters: options.steps ?? STEP_LETTERS,
    out: options.out,
    totalMs: options.time * 1000,
    stepMs: options.stepTime === undefined ? undefined : options.stepTime * 1000,
    replay: options.replay,
    tell,
  });
}

function parseSteps(text: string): readonly Letter[] {
  return text.split(',').map((item) => {
    const letter = STEP_LETTERS.find((known) => known === item.trim());
    if (letter !== undefined) return letter;
    throw new InflessError('INVALID_INPUT', `--steps "${text}": "${item}" is not a step`, {
      remedy: `Choose among ${STEP_LETTERS.join(', ')}.`,
    });
  });
}

function parseSeconds(text: string): number {
  return parseBetween(text, 'The time', 1, 3600);
}

function parseBetween(text: string, what: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new InflessError('INVALID_INPUT', `${what} is no number from ${least} to ${most}: "${text}"`);
}

function parseCapabilities(text: string): readonly number[] {
  return text.split(',').map((item) => {
    const [, major, minor] = /^(\d+)\.(\d)$/.exec(item.trim()) ?? [];
    if (major !== undefined) return Number(`${major}${minor}`);
    throw new InflessError('INVALID_INPUT', `--compute-capability "${text}": "${item}" is none`, {
      remedy: 'Write it as NVIDIA does, like 9.0 for an H100.',
    });
  });
}
