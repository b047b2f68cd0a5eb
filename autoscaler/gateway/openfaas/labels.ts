import { InflessError } from '../../../models/base/errors.ts';
import { parseDurationMs } from '../../../models/base/units.ts';
import type { FunctionDeclaration } from '../../functions/spec.ts';

/** What labels and annotations can say of a declaration. */
export type Settings = Partial<Omit<FunctionDeclaration, 'name' | 'model' | 'image'>>;

/** A setting that OpenFaaS' clients make by a label or an annotation. */
export interface Setting {
  /** What it may be called; the first one given counts. */
  readonly keys: readonly [string, ...string[]];
  /** Where it is told if no one has set it by one: people look for OpenFaaS' own among the labels. */
  readonly kind: 'label' | 'annotation';
  /** @returns what has been read so far, and this. @throws InflessError INVALID_INPUT */
  readonly read: (text: string, key: string, settings: Settings) => Settings;
  /** What stands for it now, where anything does. @param given what it says at present */
  readonly tell: (declared: Settings, given: string | undefined) => string | undefined;
}

const ours = (
  name: string,
  read: (text: string, key: string) => Settings,
  tell: (declared: Settings) => unknown,
  ...keys: readonly string[]
): Setting => ({
  keys: [`infless.io/${name}`, ...keys],
  kind: 'annotation',
  read: (text, key, settings) => merged(settings, read(text, key)),
  tell: (declared) => tell(declared)?.toString(),
});

/** In the order in which they count: a later one has the last word. */
export const SETTINGS: readonly Setting[] = [
  ours(
    'slo-ms',
    (text, key) => ({ slo: `${numberOf(text, key)}ms` }),
    ({ slo }) => slo && parseDurationMs(slo),
  ),
  ours(
    'slo-percentile',
    (text, key) => ({ percentile: numberOf(text, key) }),
    ({ percentile }) => percentile,
  ),
  ours(
    'max-batch',
    (text, key) => ({ maxBatch: numberOf(text, key) }),
    ({ maxBatch }) => maxBatch,
    'com.openfaas.max.batch',
  ),
  ours(
    'gpu',
    (text, key) => ({ limits: { gpu: numberOf(text, key) } }),
    ({ limits }) => limits?.gpu,
  ),
  ours(
    'profile',
    (profile) => ({ profile }),
    ({ profile }) => profile,
  ),
  ours(
    'insecure',
    (text, key) => ({ insecure: booleanOf(text, key) }),
    ({ insecure }) => insecure,
  ),
  ours(
    'late',
    (late) => ({ late: late as NonNullable<Settings['late']> }), // the schema says what it may be
    ({ late }) => late,
  ),
  ours(
    'max-wait',
    (maxWait) => ({ maxWait }),
    ({ maxWait }) => maxWait,
  ),
  ours(
    'weight',
    (text, key) => ({ scale: { weight: numberOf(text, key) } }),
    ({ scale }) => scale?.weight,
  ),
  {
    keys: ['com.openfaas.scale.min'],
    kind: 'label',
    read: (text, key, settings) => merged(settings, { scale: { min: numberOf(text, key) } }),
    tell: ({ scale }) => scale?.min?.toString(),
  },
  {
    keys: ['com.openfaas.scale.max'],
    kind: 'label',
    read: (text, key, settings) => merged(settings, { scale: { max: numberOf(text, key) } }),
    tell: ({ scale }) => scale?.max?.toString(),
  },
  {
    // Here functions go to zero unless told otherwise, and what `min` says holds always, not only while in
    // use.
    keys: ['com.openfaas.scale.zero'],
    kind: 'label',
    read: (text, key, settings) => {
      const min = booleanOf(text, key) ? 0 : Math.max(1, settings.scale?.min ?? 0);
      return merged(settings, { scale: { min } });
    },
    tell: ({ scale }, given) => (given === String((scale?.min ?? 0) === 0) ? given : undefined),
  },
  {
    // Who names a time wants that time, not one that is learned.
    keys: ['com.openfaas.scale.zero-duration'],
    kind: 'label',
    read: (text, key, settings) =>
      merged(settings, { scale: { idle: `${goDurationMsOf(text, key)}ms`, policy: 'fixed' } }),
    tell: ({ scale }, given) => {
      if (given === undefined || scale?.policy !== 'fixed' || scale.idle === undefined) return undefined;
      return parseGoDurationMs(given) === parseDurationMs(scale.idle) ? given : undefined;
    },
  },
  ours(
    'idle',
    (idle) => ({ scale: { idle } }),
    ({ scale }) => scale?.idle,
  ),
  ours(
    'cold-start-policy',
    (policy) => ({ scale: { policy: policy as NonNullable<NonNullable<Settings['scale']>['policy']> } }),
    ({ scale }) => scale?.policy,
  ),
];

function merged(settings: Settings, more: Settings): Settings {
  return {
    ...settings,
    ...more,
    ...(more.scale === undefined ? {} : { scale: { ...settings.scale, ...more.scale } }),
    ...(more.limits === undefined ? {} : { limits: { ...settings.limits, ...more.limits } }),
  };
}

function numberOf(text: string, key: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(number)) return number;
  throw invalid(key, text, 'a number');
}

function booleanOf(text: string, key: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw invalid(key, text, 'true or false');
}

function goDurationMsOf(text: string, key: string): number {
  const durationMs = parseGoDurationMs(text);
  if (durationMs !== undefined) return durationMs;
  throw invalid(key, text, 'a duration like 15m or 1h30m');
}

function invalid(key: string, text: string, wanted: string): InflessError {
  return new InflessError('INVALID_INPUT', `${key} is "${text}", which is not ${wanted}`);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Reads what Go calls a duration, like `15m`, `1h30m` or `1m0.5s`, as milliseconds; undefined for what is
 * none.
 */
export function parseGoDurationMs(text: string): number | undefined {
  let durationMs = 0;
  let end = 0;
  while (end < text.length) {
    PART.lastIndex = end;
    const match = PART.exec(text);
    if (match === null) return undefined;
    durationMs += Number(match[1]) * UNIT_MS[match[2]!]!;
    end = PART.lastIndex;
  }
  return end === 0 ? undefined : durationMs;
}
