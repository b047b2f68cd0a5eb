import { availableParallelism, hostname } from 'node:os';
import { z } from 'zod';
import { parseWith } from '../../models/base/schema.ts';
import { SERVER_ENVIRONMENT as ENV } from './instance-protocol.ts';

export interface ServerSettings {
  readonly model: string;
  /** Undefined until the manifest is read: then its name. */
  readonly modelName: string | undefined;
  readonly manifest: string | undefined;
  readonly instanceId: string;
  readonly host: string;
  readonly port: number;
  readonly cpuMillicores: number;
  readonly gpuPercent: number;
  /** Of the engine; default: its own choice. */
  readonly provider: string | undefined;
  readonly maxBatch: number;
  readonly sloMs: number;
  readonly profile: string | undefined;
  readonly queueLimit: number;
  readonly maxBodyBytes: number;
  readonly maxWaitMs: number;
  readonly drainMs: number;
  readonly orphanMs: number;
}

const environmentSchema = z.object({
  [ENV.model]: z
    .string({ error: 'is missing; set it to a model file or a zoo name' })
    .min(1, 'is empty; set it to a model file or a zoo name'),
  [ENV.modelName]: z
    .string()
    .regex(/^[^/:?#%\s]+$/, 'must be a name that fits into a URL path, without / : ? # % or spaces')
    .optional(),
  [ENV.manifest]: z.string().optional(),
  [ENV.instanceId]: z.string().default(() => `${hostname()}-${process.pid}`),
  [ENV.host]: z.string().default('127.0.0.1'), // an image sets 0.0.0.0: there the container is the border
  [ENV.port]: wholeNumber(0, 65_535, 8080),
  [ENV.cpuMillicores]: wholeNumber(1, 1_000_000, () => availableParallelism() * 1000),
  [ENV.gpuPercent]: decimal(0, 100, 0),
  [ENV.provider]: z.string().optional(),
  [ENV.maxBatch]: wholeNumber(1, 4096, 8),
  [ENV.sloMs]: decimal(1, 3_600_000, 200),
  [ENV.profile]: z.string().optional(),
  [ENV.queueLimit]: wholeNumber(1, 1_000_000, 256),
  [ENV.maxBodyBytes]: wholeNumber(1, 2 ** 30, 32 * 2 ** 20),
  [ENV.maxWaitMs]: decimal(1, 3_600_000, 10_000),
  [ENV.drainMs]: decimal(0, 3_600_000, 25_000), // below the 30 s after which Kubernetes kills
  [ENV.orphanMs]: decimal(0, 86_400_000, 0),
});

/**
 * Reads the settings of a serving process from its environment; an empty variable counts as unset.
 *
 * @throws InflessError INVALID_INPUT naming the variable and what it may hold.
 */
export function serverSettings(environment: NodeJS.ProcessEnv = process.env): ServerSettings {
  const given = Object.fromEntries(
    Object.values(ENV).flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const values = parseWith(environmentSchema, given, { what: 'The environment of the serving process' });
  return {
    model: values[ENV.model],
    modelName: values[ENV.modelName],
    manifest: values[ENV.manifest],
    instanceId: values[ENV.instanceId],
    host: values[ENV.host],
    port: values[ENV.port],
    cpuMillicores: values[ENV.cpuMillicores],
    gpuPercent: values[ENV.gpuPercent],
    provider: values[ENV.provider],
    maxBatch: values[ENV.maxBatch],
    sloMs: values[ENV.sloMs],
    profile: values[ENV.profile],
    queueLimit: values[ENV.queueLimit],
    maxBodyBytes: values[ENV.maxBodyBytes],
    maxWaitMs: values[ENV.maxWaitMs],
    drainMs: values[ENV.drainMs],
    orphanMs: values[ENV.orphanMs],
  };
}

function wholeNumber(least: number, most: number, otherwise: number | (() => number)) {
  return numeric(/^\d+$/, 'a whole number', least, most, otherwise);
}

function decimal(least: number, most: number, otherwise: number) {
  return numeric(/^\d+(\.\d+)?$/, 'a number', least, most, otherwise);
}

function numeric(
  form: RegExp,
  kind: string,
  least: number,
  most: number,
  otherwise: number | (() => number),
) {
  return z
    .string()
    .refine((text) => form.test(text) && Number(text) >= least && Number(text) <= most, {
      error: ({ input }) => `must be ${kind} from ${least} to ${most}, not ${JSON.stringify(input)}`,
    })
    .transform(Number)
    .default(otherwise as number);
}
