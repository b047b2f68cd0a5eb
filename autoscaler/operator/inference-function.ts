import type { KubernetesObject } from '@kubernetes/client-node';
import { z } from 'zod';
import { BATCHING_CHOICES } from '../../models/manifest/manifest.ts';
import { KEEP_ALIVE_POLICIES } from '../demand/keepalive/policies.ts';
import { DEFAULT_PROFILE_KEY } from '../functions/profile-reference.ts';

/** What the API server is asked for. */
export const INFERENCE_FUNCTION = {
  group: 'infless.io',
  version: 'v1alpha1',
  plural: 'inferencefunctions',
  kind: 'InferenceFunction',
  namespaced: true,
} as const;

export const API_VERSION = `${INFERENCE_FUNCTION.group}/${INFERENCE_FUNCTION.version}`;

/** The name by which a function's pods are selected. */
export const FUNCTION_LABEL = 'infless.io/function';

const duration = z.string().regex(/^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$/);

/** A quantity of Kubernetes as far as CPU needs one. */
const cores = z
  .union([z.int(), z.string()])
  .meta({ 'x-kubernetes-int-or-string': true, pattern: '^[0-9]+(\\.[0-9]+)?m?$' });

/**
 * A CEL rule of the API server that holds where one of the fields it reads is missing. They all may have
 * defaults: the default of their parent is checked as it is written, before those are filled in, and a rule
 * that stumbles over a missing field makes the whole definition invalid.
 */
function celRule({ fields, rule, message }: { fields: readonly string[]; rule: string; message: string }) {
  const isMissing = fields.map((field) => `!has(self.${field})`);
  return { rule: [...isMissing, rule].join(' || '), message };
}

const profileSchema = z
  .object({
    configMap: z
      .object({
        name: z.string().min(1).max(253),
        key: z.string().min(1).max(253).default(DEFAULT_PROFILE_KEY),
      })
      .describe(
        'A ConfigMap in the same namespace, and the key of the table in it, as infless-profile writes it.',
      ),
  })
  .describe('Profile table of the model. Default: the one that the image was packed with.');

const scaleSchema = z
  .object({
    minInstances: z.int().min(0).max(10_000).default(0).describe('Instances kept whatever the rate.'),
    maxInstances: z.int().min(1).max(10_000).default(100).describe('Most instances, whatever the rate.'),
    idle: duration
      .default('5m')
      .describe('How long the last instance is kept without a request while nothing better is known.'),
    weight: z
      .number()
      .positive()
      .max(1000)
      .default(1)
      .describe("Beside others', where the cluster cannot carry all."),
    policy: z
      .enum(KEEP_ALIVE_POLICIES)
      .default('tournament')
      .describe('How it is decided when to keep, stop and pre-warm the last instance.'),
  })
  .prefault({})
  .meta({
    'x-kubernetes-validations': [
      celRule({
        fields: ['minInstances', 'maxInstances'],
        rule: 'self.minInstances <= self.maxInstances',
        message: 'minInstances must not exceed maxInstances',
      }),
    ],
  });

/** What somebody asks for. The same as a FunctionSpec, as people write it on Kubernetes. */
export const inferenceFunctionSpecSchema = z.object({
  image: z.string().min(1).max(1024).describe('An image that infless-pack has made, in a registry.'),
  insecure: z.boolean().optional().describe('Its registry speaks plain HTTP.'),
  slo: z
    .object({
      latency: duration.describe('Arrival at the gateway to the end of the answer, e.g. 200ms.'),
      percentile: z
        .number()
        .min(50)
        .max(99.9)
        .default(99)
        .describe('Share of requests, in percent, that must be answered within it.'),
    })
    .describe('The latency target.'),
  scale: scaleSchema,
  maxBatch: z.int().min(1).max(4096).optional().describe('Largest batch to form, whatever the table offers.'),
  batching: z
    .enum(BATCHING_CHOICES)
    .optional()
    .describe(
      'trust batches although rows are not proven to be independent of each other (default: proven).',
    ),
  batchAxis: z
    .record(z.string(), z.int().min(0).max(64))
    .optional()
    .describe(
      'The axis along which the rows of a batch lie, by the names of inputs, e.g. images: 0. As the image was packed.',
    ),
  sample: z
    .record(z.string(), z.unknown())
    .meta({ 'x-kubernetes-preserve-unknown-fields': true })
    .optional()
    .describe(
      'A request of one row that others are made up like, as TensorFlow Serving takes it, e.g. {"instances": [[1, 2]]}.',
    ),
  shapes: z
    .record(
      z.string(),
      z
        .array(
          z
            .int()
            .min(1)
            .max(2 ** 31 - 1),
        )
        .min(1),
    )
    .optional()
    .describe('Sizes of inputs by name, where the model leaves them open, e.g. images: [1, 3, 640, 640].'),
  limits: z
    .object({
      cpu: cores.optional().describe('CPU, e.g. 2 or 500m.'),
      gpuPercent: z.number().min(0).max(100).optional().describe('Share of one GPU; 0 keeps it off GPUs.'),
    })
    .optional()
    .describe('The most that one instance may be given.'),
  provider: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .max(63)
    .optional()
    .describe(
      'What of the engine runs shares of a GPU, e.g. cuda or tensorrt (default: what the table was measured with); cpu keeps it off GPUs.',
    ),
  profile: profileSchema.optional(),
  env: z
    .array(z.object({ name: z.string().min(1).max(256), value: z.string().optional() }))
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
    .describe('Environment of its serving processes, without what decides which code runs (NODE_*, PATH …).'),
  secrets: z
    .array(z.string().min(1).max(253))
    .optional()
    .meta({ 'x-kubernetes-list-type': 'set' })
    .describe('Secrets in the same namespace that its serving processes may read, by name.'),
  nodeSelector: z
    .record(z.string(), z.string())
    .optional()
    .describe('Labels that a node must have to run it.'),
  late: z
    .enum(['serve', 'reject'])
    .default('serve')
    .describe('What to do with a request that cannot be in time any more.'),
  maxWait: duration
    .default('30s')
    .describe('Longest a request may wait, a cold start included, before it is answered 504.'),
});

const conditionSchema = z.object({
  type: z.string().min(1).max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().min(1).max(1024),
  message: z.string().max(32_768),
  lastTransitionTime: z.string().meta({ format: 'date-time' }),
  observedGeneration: z.int().min(0).optional(),
});

/** How it stands. Written by the autoscaler only. */
export const inferenceFunctionStatusSchema = z.object({
  observedGeneration: z.int().optional().describe('Generation of the spec that the rest is about.'),
  phase: z.enum(['Ready', 'Starting', 'Idle', 'Failing', 'Broken']).optional(),
  image: z
    .object({ name: z.string(), pinned: z.string() })
    .optional()
    .describe('What the image of the spec stood for when it was declared: instances run this very one.'),
  replicas: z.int().optional().describe('Instances that are ready or starting.'),
  readyReplicas: z.int().optional(),
  selector: z.string().optional().describe('Selects its pods, for the scale subresource.'),
  instances: z
    .array(z.object({ config: z.string(), ready: z.int(), starting: z.int(), draining: z.int() }))
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['config'] })
    .describe('Instances by config: largest batch, cores, percent of a GPU.'),
  ratePerSecond: z.number().optional().describe('Requests per second.'),
  p50: z.string().optional().describe('Median latency of the requests of the last five minutes.'),
  p99: z
    .string()
    .optional()
    .describe('99th percentile of the latency of the requests of the last five minutes.'),
  sloAttainmentPercent: z
    .number()
    .optional()
    .describe('Share of the requests of the last five minutes that were answered within the SLO.'),
  conditions: z
    .array(conditionSchema)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
});

/** As somebody writes it: what has a default may be missing. */
export type InferenceFunctionSpec = z.input<typeof inferenceFunctionSpecSchema>;
export type InferenceFunctionStatus = z.infer<typeof inferenceFunctionStatusSchema>;
export type Condition = z.infer<typeof conditionSchema>;

export interface InferenceFunction extends KubernetesObject {
  spec: InferenceFunctionSpec;
  status?: InferenceFunctionStatus;
}
