import { join } from 'node:path';
import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
import { cacheDirectory, readTextIfPresent, writeFileSafely } from '../../../models/base/files.ts';
import { parseJson, parseWith } from '../../../models/base/schema.ts';
import { type Host, hostSchema } from '../../../profiles/host-schema.ts';
import { quotaMechanismSchema } from '../../../profiles/table.ts';
import { operatorTimeSchema } from '../trace/trace-protocol.ts';

export const OPERATORS_SCHEMA = 'infless.io/operators/v1';

const positive = z.number().positive();

/** One model run under one batch and quota: its operators, and what it takes beside them. */
export const operatorRunSchema = z.object({
  batch: z.number().int().min(1),
  cpuMillicores: z.number().int().min(1),
  threads: z.number().int().min(1),
  /**
   * One batch through the batch executor, without a trace: the fastest, since who else is on the host only
   * adds.
   */
  wallMs: positive,
  /** The mean of the same, over all rounds: what is usual on this host. */
  usualMs: positive,
  /** CPU time of a batch, of all threads, in the mean. */
  cpuMs: z.number().nonnegative(),
  /** Of the inputs of a batch. */
  tensorElements: z.number().nonnegative(),
  /** In the order in which they run; the time is the mean of the fastest quarter of `samples` executions. */
  operators: z.array(operatorTimeSchema).min(1),
  samples: z.number().int().min(1),
  /** Times at which it was looked at. */
  rounds: z.number().int().min(1),
});
export type OperatorRun = Readonly<z.infer<typeof operatorRunSchema>>;

const operatorModelSchema = z.object({
  name: z.string(),
  digest: z.string(),
  runs: z.array(operatorRunSchema),
});
/** All that was gathered of one model. */
export type OperatorModel = Readonly<z.infer<typeof operatorModelSchema>>;

export const operatorDatabaseSchema = z.object({
  schema: z.literal(OPERATORS_SCHEMA),
  createdAt: z.iso.datetime(),
  tool: z.string(),
  host: hostSchema,
  engine: z.string(),
  quota: z.object({ mechanism: quotaMechanismSchema, periodMicros: z.number().int().positive().nullable() }),
  models: z.array(operatorModelSchema).min(1),
});
/** What operators take on one kind of host, by the models they were seen in. */
export type OperatorDatabase = Readonly<z.infer<typeof operatorDatabaseSchema>>;

/** In the cache: one file for each kind of host and version of the engine, for either changes every time. */
export function databaseFile(host: Pick<Host, 'fingerprint'>, engine: string): string {
  const fingerprint = host.fingerprint.slice('sha256:'.length).slice(0, 12);
  return join(cacheDirectory(), 'operators', `${engine.replace(/[^\w.-]+/g, '-')}-${fingerprint}.json`);
}

/** Writes a database whole or not at all. */
export async function saveDatabase(database: OperatorDatabase, file: string): Promise<void> {
  operatorDatabaseSchema.parse(database); // what could not be read back must not replace what can
  await writeFileSafely(file, `${JSON.stringify(database)}\n`);
}

/**
 * Undefined where nothing has been gathered yet.
 *
 * @throws InflessError PROFILE_INVALID
 */
export async function readDatabase(file: string): Promise<OperatorDatabase | undefined> {
  const text = await readTextIfPresent(file);
  if (text === undefined) return undefined;
  const boundary = {
    what: file,
    code: 'PROFILE_INVALID',
    remedy: 'Delete it and gather the operators again with infless-profile operators.',
  } as const;
  return parseWith(operatorDatabaseSchema, parseJson(text, boundary), boundary);
}

/**
 * What was gathered on a host like this.
 *
 * @throws InflessError PROFILE_NOT_FOUND, PROFILE_INVALID
 */
export async function requireDatabase(host: Host, engine: string): Promise<OperatorDatabase> {
  const database = await readDatabase(databaseFile(host, engine));
  if (database !== undefined) return database;
  throw new InflessError('PROFILE_NOT_FOUND', 'No operators have been gathered on this host yet', {
    remedy: 'Run infless-profile operators once, which takes some minutes.',
  });
}

/** One run of two rounds: the fastest of everything, whatever was usual in the mean. */
export function withRound(before: OperatorRun, now: OperatorRun): OperatorRun {
  const rounds = before.rounds + now.rounds;
  return {
    ...now,
    wallMs: Math.min(before.wallMs, now.wallMs),
    usualMs: (before.usualMs * before.rounds + now.usualMs * now.rounds) / rounds,
    cpuMs: (before.cpuMs * before.rounds + now.cpuMs * now.rounds) / rounds,
    operators: now.operators.map(({ operator, meanMs }, index) => {
      const other = before.operators[index];
      return {
        operator,
        meanMs: Math.min(meanMs, other?.operator.kind === operator.kind ? other.meanMs : meanMs),
      };
    }),
    samples: before.samples + now.samples,
    rounds,
  };
}

/** The same database with what was gathered now: newer runs of a model replace older ones. */
export function withModels(
  models: readonly OperatorModel[],
  added: readonly OperatorModel[],
): OperatorModel[] {
  const digests = new Set(added.map(({ digest }) => digest));
  return [...models.filter(({ digest }) => !digests.has(digest)), ...added];
}
