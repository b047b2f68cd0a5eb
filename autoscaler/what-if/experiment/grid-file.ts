import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
import { parseWith } from '../../../models/base/schema.ts';
import { parseDurationMs } from '../../../models/base/units.ts';
import { parseYaml } from '../../../models/base/yaml.ts';
import { readInputFile } from '../inputs/input-file.ts';
import { parsePolicies } from '../own-policies/own-policy.ts';

/** One value or several: each is combined with each of the others. */
function oneOrMore<T extends z.ZodType>(each: T) {
  return z.preprocess(
    (given) => (given === undefined || Array.isArray(given) ? given : [given]),
    z.array(each).min(1),
  );
}

const duration = z.string().transform((text, context) => {
  try {
    return parseDurationMs(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as InflessError).sentence });
    return z.NEVER;
  }
});
const text = z.union([z.string(), z.number()]).transform(String);
const loads = oneOrMore(text).default([]);

/** Who calls, as the options of `plan` of the same names. */
const loadSchema = z.strictObject({
  name: z.string().min(1).optional(),
  rate: loads,
  ramp: loads,
  trace: loads,
  azure: loads,
  interval: duration.default(1_000),
  column: text.default('1'),
  'trace-format': z.enum(['rates', 'timestamps']).optional(),
  scale: z.number().positive().default(1),
});

const seedsSchema = z
  .union([z.number().int().min(1).max(10_000), z.array(z.number().int().min(0)).min(1)])
  .transform((given) =>
    Array.isArray(given) ? given : Array.from({ length: given }, (_, index) => index + 1),
  );

const gridSchema = z.strictObject({
  functions: z.string().min(1),
  cluster: oneOrMore(z.string().min(1)),
  load: oneOrMore(loadSchema),
  policies: oneOrMore(z.string().min(1)),
  /** So many from 1 on, or these. */
  seeds: seedsSchema.default([1]),
  /** In place of what each function declares. */
  slo: oneOrMore(duration).optional(),
  /** In place of what the tables tell. */
  startup: oneOrMore(duration).optional(),
  /** Of the times between arrivals: 1 is Poisson. */
  cv: oneOrMore(z.number().positive().max(100)).default([1]),
  noise: oneOrMore(z.number().min(0).max(10)).default([0]),
  /** Mean time to failure of an instance. */
  mttf: oneOrMore(duration).optional(),
  duration: duration.optional(),
  'warm-up': duration.default(60_000),
});

export type Grid = z.output<typeof gridSchema>;

/** A grid, and what it was read from. */
export interface GridFile {
  /** Paths in it are relative to the file. */
  readonly grid: Grid;
  /** Every file that decides about its results, with the SHA-256 of its content. */
  readonly inputs: readonly InputDigest[];
}

export interface InputDigest {
  readonly path: string;
  readonly sha256: string;
}

/** @throws InflessError INVALID_INPUT that names every field that is wrong */
export async function readGrid(file: string): Promise<GridFile> {
  const what = `Grid file ${file}`;
  const content = await readInputFile(file, what);
  const grid = parseWith(gridSchema, parseYaml(content, { what }), {
    what,
    everyProblem: true,
    remedy: 'docs/research.md shows one.',
  });
  const at = (path: string): string => resolve(dirname(file), path);
  const policies = grid.policies.map((each) => (isPath(each) ? at(each) : each));
  const twice = policies.find((each, index) => policies.indexOf(each) !== index);
  if (twice !== undefined) {
    throw new InflessError('INVALID_INPUT', `${what} names policy "${twice}" twice`);
  }
  parsePolicies(policies.join(','));
  const fileOf = (given: string): string => given.replace(/^[a-z0-9][-a-z0-9]*=/, '');
  const absolute: Grid = {
    ...grid,
    functions: at(grid.functions),
    cluster: grid.cluster.map(at),
    policies,
    load: grid.load.map((load) => ({
      ...load,
      trace: load.trace.map((given) => given.replace(fileOf(given), at(fileOf(given)))),
      azure: load.azure.map((given) => given.replace(fileOf(given), at(fileOf(given)))),
    })),
  };
  const paths = [
    file,
    absolute.functions,
    ...absolute.cluster,
    ...absolute.policies.filter(isPath),
    ...absolute.load.flatMap(({ trace, azure }) =>
      [...trace, ...azure].map((given) => fileOf(given).split('#')[0]!),
    ),
  ];
  return { grid: absolute, inputs: await Promise.all([...new Set(paths)].map(digestOf)) };
}

function isPath(policy: string): boolean {
  return /[/\\]|\.m?js$/.test(policy);
}

async function digestOf(path: string): Promise<InputDigest> {
  const content = await readInputFile(path, `File ${path}`);
  return { path, sha256: sha256(content) };
}

export function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
