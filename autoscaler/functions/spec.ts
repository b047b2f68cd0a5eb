import { z } from 'zod';
import { messageOf } from '../../models/base/errors.ts';
import { parseWith } from '../../models/base/schema.ts';
import { parseDurationMs } from '../../models/base/units.ts';
import { givenAxesSchema } from '../../models/manifest/batch-axis.ts';
import { BATCHING_CHOICES } from '../../models/manifest/manifest.ts';
import { imageSource } from '../../packager/image-name.ts';
import { KEEP_ALIVE_POLICIES } from '../demand/keepalive/policies.ts';
import { variableRefusal } from './environment.ts';
import { sampleSchema, shapesSchema } from './request-like.ts';
import { objectName } from './secrets/secret-store.ts';

/** `200ms`, `1.5s`, `10m` … as milliseconds; the sentence of the parser is the sentence of the schema. */
const duration = z.string().transform((text, context) => {
  try {
    return parseDurationMs(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
    return z.NEVER;
  }
});

const positiveDuration = duration.refine((ms) => ms > 0, 'must be longer than 0');

/** Kubernetes' and OpenFaaS' rule, so that one name serves everywhere. */
const functionName = z
  .string()
  .max(63, 'must be at most 63 characters')
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must consist of lower case letters, digits and dashes');

/** The sentence of the parser is the sentence of the schema here too. */
const imageName = z.string().superRefine((text, context) => {
  try {
    imageSource(text, {});
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

const functionFields = z.strictObject({
  name: functionName,
  /** Zoo name, or path of a model file (relative to the functions file). */
  model: z.string().min(1).optional(),
  /** In place of `model`: an image that infless-pack has made, `oci:DIR[:TAG]` or a name in a registry. */
  image: imageName.optional(),
  /** Speak plain HTTP with the registry of `image`. */
  insecure: z.boolean().optional(),
  /** Profile table; default: the image's own, else the one found for the model's digest. */
  profile: z.string().min(1).optional(),
  slo: positiveDuration,
  /** Share of requests, in percent, that must be answered within the SLO. */
  percentile: z.number().min(50).max(99.9).default(99),
  /**
   * What of the engine runs shares of a GPU (default: what the table was measured with); `cpu` keeps it off
   * GPUs.
   */
  provider: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, 'must be a name like cpu, cuda or tensorrt')
    .optional(),
  /** Largest batch to form, whatever the table offers. */
  maxBatch: z.number().int().min(1).optional(),
  /** `trust`: requests share runs although it is not proven that rows do not depend on each other. */
  batching: z.enum(BATCHING_CHOICES).default('proven'),
  /** Where rows lie, in place of what is found: an axis, or axes by the names of inputs. */
  batchAxis: givenAxesSchema.optional(),
  /** A request of one row to make up others like (of a file, relative to the functions file). */
  sample: sampleSchema.optional(),
  /** Sizes of inputs by name, where the model leaves them open. */
  shapes: shapesSchema.optional(),
  /** What to do with a request that cannot be in time any more. */
  late: z.enum(['serve', 'reject']).default('serve'),
  /** Longest a request may wait, a cold start included, before it is answered 504. */
  maxWait: positiveDuration.default(30_000),
  scale: z
    .strictObject({
      min: z.number().int().min(0).default(0),
      max: z.number().int().min(1).default(100),
      /**
       * How long the last instance is kept without a request (where `min` is 0) while nothing better is
       * known; also what a cold start is worth: so much idle time is accepted to save one.
       */
      idle: positiveDuration.default(300_000),
      /**
       * Beside others', where the cluster cannot carry all: twice the weight gets twice the share of what is
       * asked.
       */
      weight: z.number().positive().max(1000).default(1),
      /** How it is decided when to keep, stop and pre-warm the last instance. */
      policy: z.enum(KEEP_ALIVE_POLICIES).default('tournament'),
    })
    .prefault({})
    .refine(({ min, max }) => min <= max, 'min must not exceed max'),
  /** Environment of its serving processes; not all of it is for a function to choose (see environment.ts). */
  environment: z.record(z.string(), z.string()).default({}),
  /** Secrets its serving processes may read, by name. */
  secrets: z.array(objectName).default([]),
  /** The most that one instance may be given. */
  limits: z
    .strictObject({
      /** Cores. */
      cpu: z.number().positive().optional(),
      /** Percent of one GPU; 0 keeps it off GPUs. */
      gpu: z.number().min(0).max(100).optional(),
    })
    .default({}),
  /** Labels that a node must have to run it. */
  nodeSelector: z.record(z.string(), z.string()).default({}),
  /** For its owner's own use; they decide nothing. */
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
});

/**
 * What every declaration looks like, including one that was stored before there was a rule that it breaks.
 */
const declarationSchema = functionFields
  .refine(({ model, image }) => (model === undefined) !== (image === undefined), {
    path: ['model'],
    error: 'either "model" or "image" must be given, and not both',
  })
  .refine(({ image, insecure }) => image !== undefined || insecure === undefined, {
    path: ['insecure'],
    error: 'only the registry of an "image" can be insecure',
  })
  .refine(({ sample, shapes }) => sample === undefined || shapes === undefined, {
    path: ['shapes'],
    error: 'must be left out beside "sample", which has sizes of its own',
  });

/**
 * A function as people declare it, in a file or by REST. Durations carry their unit; everything but name,
 * model (or image) and SLO has a default.
 */
export const functionSpecSchema = declarationSchema.superRefine(({ environment }, context) => {
  for (const name of Object.keys(environment)) {
    const message = variableRefusal(name);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['environment', name], message });
  }
});

/** The declaration as written, kept so that it can be shown and stored unchanged. */
export type FunctionDeclaration = z.input<typeof functionSpecSchema>;
/** The declaration as understood: durations in ms, defaults filled in. */
export type FunctionSpec = z.output<typeof functionSpecSchema>;

export function parseFunctionSpec(declaration: unknown, what: string): FunctionSpec {
  return parseWith(functionSpecSchema, declaration, {
    what,
    remedy:
      'A function needs at least name, model (or image) and slo, e.g. {name: mobilenet, model: mobilenet, slo: 200ms}.',
  });
}

/** What a function's model is called by: a zoo name, a path, or the name of an image. */
export function modelReference({ model, image }: Pick<FunctionSpec, 'model' | 'image'>): string {
  return (model ?? image)!; // the schema sees to it that it has one of them
}
