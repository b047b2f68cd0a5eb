import { option, repeatable, type Values } from '../../../models/base/command-line/option-table.ts';
import { file, text } from '../../../models/base/command-line/parsers.ts';
import { InflessError } from '../../../models/base/errors.ts';
import {
  constantRate,
  cutRate,
  parseRamp,
  parseRate,
  rampedRate,
  scaleRate,
  steppedRate,
} from '../../../profiler/load/arrivals/rates.ts';
import { readTrace } from '../../../profiler/load/arrivals/trace-file.ts';
import { LOAD_OPTIONS, parseInterval } from '../../../profiler/load/options.ts';
import { readAzureLoads } from './azure.ts';
import { durationMsOf, type Load } from './load.ts';

const CALLS = 'Who calls';

/** The options that say who calls. Each of the first four is `VALUE` or `NAME=VALUE`. */
export const CALL_OPTIONS = {
  rate: repeatable({ flag: '--rate <load>', parse: text, group: CALLS, help: 'requests per second' }),
  ramp: repeatable({
    flag: '--ramp <load>',
    parse: text,
    group: CALLS,
    help: 'straight lines between rates at times, like 10@0s,50@10m,10@30m',
  }),
  trace: repeatable({
    flag: '--trace <load>',
    parse: file,
    group: CALLS,
    help: 'rates from a file: one a line, or CSV',
  }),
  azure: repeatable({
    flag: '--azure <load>',
    parse: file,
    group: CALLS,
    help: 'a function of an Azure Functions trace (2019 or 2021 CSV): FILE#ID, or FILE for the busiest',
  }),
  interval: { ...LOAD_OPTIONS.interval, group: CALLS },
  column: { ...LOAD_OPTIONS.column, group: CALLS },
  scale: { ...LOAD_OPTIONS.scale, group: CALLS },
  duration: option({
    flag: '--duration <duration>',
    parse: parseInterval,
    otherwise: 'the longest trace, or 10m',
    group: CALLS,
    help: 'how long to simulate',
  }),
  arrivals: { ...LOAD_OPTIONS.arrivals, group: CALLS },
  cv: { ...LOAD_OPTIONS.cv, group: CALLS },
};

export type CallValues = Omit<Values<typeof CALL_OPTIONS>, 'arrivals' | 'cv'>;

export interface Loads {
  readonly byFunction: ReadonlyMap<string, Load>;
  readonly durationMs: number;
}

/** How long a rate holds that no one has given an end. */
const DEFAULT_DURATION_MS = 600_000;

const SOURCES = ['rate', 'ramp', 'trace', 'azure'] as const;

interface Source {
  readonly type: (typeof SOURCES)[number];
  readonly value: string;
}

/**
 * Each function's load. What names no function is for all that are not named.
 *
 * @throws InflessError INVALID_INPUT: a function without a load or with two, a file or number that cannot be
 * read
 */
export async function readLoads(names: readonly string[], options: CallValues): Promise<Loads> {
  const sources = sourcesOf(names, options);
  const { scale, duration } = options;
  const rest = new Map<string, Load>();
  for (const [name, source] of sources) {
    if (source.type === 'ramp' || source.type === 'trace') {
      rest.set(name, await readCurve(source, scale, options));
    }
  }
  await readAzure(sources, scale, rest);
  const longestMs = Math.max(0, ...[...rest.values()].map(durationMsOf));
  const durationMs = duration ?? (longestMs === 0 ? DEFAULT_DURATION_MS : longestMs);
  const byFunction = new Map(
    names.map((name) => {
      const source = sources.get(name)!;
      const load: Load =
        source.type === 'rate'
          ? { type: 'rate', curve: constantRate(parseRate(source.value, '--rate') * scale, durationMs) }
          : rest.get(name)!;
      return [name, load.type === 'rate' ? { ...load, curve: cutRate(load.curve, durationMs) } : load];
    }),
  );
  return { byFunction, durationMs };
}

function sourcesOf(names: readonly string[], options: CallValues): Map<string, Source> {
  const named = new Map<string, Source>();
  let forAll: Source | undefined;
  for (const type of SOURCES) {
    for (const given of options[type]) {
      const match = /^([a-z0-9][-a-z0-9]*)=(.+)$/s.exec(given);
      if (match === null) {
        if (forAll !== undefined) throw twice('all functions');
        forAll = { type, value: given };
        continue;
      }
      const [, name, value] = match;
      if (!names.includes(name!)) {
        throw new InflessError('INVALID_INPUT', `--${type} ${given} is for a function that is not declared`, {
          remedy: `Declared are: ${names.join(', ')}.`,
        });
      }
      if (named.has(name!)) throw twice(`function "${name}"`);
      named.set(name!, { type, value: value! });
    }
  }
  return new Map(
    names.map((name) => {
      const source = named.get(name) ?? forAll;
      if (source !== undefined) return [name, source];
      throw new InflessError('INVALID_INPUT', `Nothing says who calls function "${name}"`, {
        remedy: `Give it a load, e.g. --rate ${name}=20 or --trace ${name}=rates.txt.`,
      });
    }),
  );
}

function twice(whose: string): InflessError {
  return new InflessError('INVALID_INPUT', `The load of ${whose} is given twice`, {
    remedy: 'Give one of --rate, --ramp, --trace and --azure.',
  });
}

async function readCurve(source: Source, scale: number, options: CallValues): Promise<Load> {
  const curve =
    source.type === 'ramp'
      ? rampedRate(parseRamp(source.value))
      : steppedRate(await readTrace(source.value, options.column), options.interval);
  return { type: 'rate', curve: scaleRate(curve, scale) };
}

/**
 * `FILE` or `FILE#ID`; functions that share a file are read from it together, so that no two get the same.
 */
async function readAzure(
  sources: ReadonlyMap<string, Source>,
  scale: number,
  into: Map<string, Load>,
): Promise<void> {
  const byFile = new Map<string, { name: string; id: string | undefined }[]>();
  for (const [name, { type, value }] of sources) {
    if (type !== 'azure') continue;
    const [file, id] = value.split('#');
    const readers = byFile.get(file!) ?? [];
    byFile.set(file!, [...readers, { name, id }]);
  }
  for (const [file, readers] of byFile) {
    const loads = await readAzureLoads(
      file,
      readers.map(({ id }) => id),
      scale,
    );
    readers.forEach(({ name }, index) => {
      into.set(name, loads[index]!);
    });
  }
}
