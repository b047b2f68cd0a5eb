import { defineProgram, option, type Values } from '../../models/base/command-line/option-table.ts';
import { file, folder } from '../../models/base/command-line/parsers.ts';
import { InflessError } from '../../models/base/errors.ts';
import { makeBundle } from './bundle/bundle.ts';
import { unpackEngine } from './bundle/unpack-engine.ts';
import { type Letter, STEP_LETTERS } from './plan.ts';
import { prove } from './run/prove.ts';

const MOST_PART_MIB = 24;

const BUNDLE = 'For a machine without Node.js and registries';

const OPTIONS = {
  steps: option({
    flag: '--steps <list>',
    parse: parseSteps,
    otherwise: 'all, the most telling first',
    help: 'which of a to i, as in c,f,h',
  }),
  out: option({
    flag: '--out <folder>',
    parse: folder,
    default: 'proof',
    help: 'folder for the results, written as they come',
  }),
  time: option({
    flag: '--time <seconds>',
    parse: parseSeconds,
    default: '480',
    help: 'time for all steps together',
  }),
  stepTime: option({
    flag: '--step-time <seconds>',
    parse: parseSeconds,
    otherwise: 'what it needs',
    help: 'time for each step at most',
  }),
  replay: option({
    flag: '--replay <folder>',
    parse: folder,
    help: 'replay an earlier run from this folder, without a card',
  }),
  bundle: option({
    flag: '--bundle <folder>',
    parse: folder,
    group: BUNDLE,
    help: 'make the bundle in this folder, and end',
  }),
  partSize: option({
    flag: '--part-size <mebibytes>',
    parse: (text, name) => parseBetween(text, name, 1, MOST_PART_MIB),
    default: '21',
    group: BUNDLE,
    help: 'size of its largest file',
  }),
  computeCapability: option({
    flag: '--compute-capability <list>',
    parse: parseCapabilities,
    otherwise: 'all',
    group: BUNDLE,
    help: 'only code for these cards, as in 8.0,9.0',
  }),
  unpackEngine: option({
    flag: '--unpack-engine <archive>',
    parse: file,
    isHidden: true,
    help: 'what the bundle does with its engine',
  }),
};

/** The command line of `npm run prove:gpu`. */
export const proofProgram = defineProgram({
  name: 'prove-gpu',
  summary: 'Show step by step, on a machine with an NVIDIA card, that what INFless promises of GPUs holds.',
  options: OPTIONS,
  run,
});

async function run(options: Values<typeof OPTIONS>): Promise<void> {
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

function parseSeconds(text: string, name: string): number {
  return parseBetween(text, name, 1, 3600);
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
