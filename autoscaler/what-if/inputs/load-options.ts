import { option, repeatable, type Values } from '../../../models/base/command-line/option-table.ts';
import { file, oneOf, text } from '../../../models/base/command-line/parsers.ts';
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
import { parseTrace } from '../../../profiler/load/arrivals/trace-file.ts';
import { LOAD_OPTIONS, parseInterval } from '../../../profiler/load/options.ts';
import { readAzureLoads } from './azure.ts';
import { readInputFile } from './input-file.ts';
import { readJournalLoad } from './journal-load.ts';
import { durationMsOf, type Load } from './load.ts';
import { holdsTimestamps, parseTimestamps } from './timestamps.ts';

const CALLS = 'Who calls';
const TRACE_FORMATS = ['rates', 'timestamps'] as const;

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
    help: 'rates or timestamps from a file: one a line, or CSV',
  }),
  traceFormat: option({
    flag: '--trace-format <format>',
    parse: oneOf(TRACE_FORMATS),
    otherwise: 'timestamps where they are dates',
    group: CALLS,
    help: 'what traces hold: requests per second, or the time of each request',
  }),
  azure: repeatable({
    flag: '--azure <load>',
    parse: file,
    group: CALLS,
    help: 'a function of an Azure Functions trace (2019 or 2021 CSV): FILE#ID, or FILE for the busiest',
  }),
  'from-journal': repeatable({
    flag: '--from-journal <load>',
    parse: file,
    group: CALLS,
    help: 'the requests that an autoscaler has recorded: the journal, a file or folder',
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

const SOURCES = ['rate', 'ramp', 'trace', 'azure', 'from-journal'] as const;

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
  for (const [name, { type, value }] of sources)
    if (type === 'from-journal') rest.set(name, await readJournalLoad(value, name, scale));
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
    remedy: 'Give one of --rate, --ramp, --trace, --azure and --from-journal.',
  });
}

async function readCurve(source: Source, scale: number, options: CallValues): Promise<Load> {
  if (source.type === 'ramp') {
    return { type: 'rate', curve: scaleRate(rampedRate(parseRamp(source.value)), scale) };
  }
  return readTraceLoad(source.value, scale, options);
}

async function readTraceLoad(
  path: string,
  scale: number,
  { column, interval, traceFormat }: CallValues,
): Promise<Load> {
  const content = await readInputFile(path, `Rate trace ${path}`);
  const isTimes = traceFormat === undefined ? holdsTimestamps(content, column) : traceFormat === 'timestamps';
  if (!isTimes) {
    const rates = parseTrace(content, `Rate trace ${path}`, column);
    return { type: 'rate', curve: scaleRate(steppedRate(rates, interval), scale) };
  }
  if (scale === 1) return { type: 'times', timesMs: parseTimestamps(content, `Trace ${path}`, column) };
  throw new InflessError(
    'INVALID_INPUT',
    `Recorded requests cannot be scaled, as --scale ${scale} asks of ${path}`,
    { remedy: 'Leave --scale out, or use a trace of rates.' },
  );
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
