/**
 * What the sweep and the process of one cell say to each other over IPC. The sweep asks, one question at a
 * time; the process answers each with `done` or `failed`, and says `alive` about once a second while it
 * works. Between two questions it does nothing, so that the sweep can read the quota's counters exactly
 * there.
 */
import { z } from 'zod';
import type { Threading } from '../../models/engines/engine.ts';
import type { ProviderName } from '../../models/engines/provider.ts';
import type { ModelFile } from '../../models/manifest/manifest.ts';
import type { Config } from '../../profiles/config.ts';
import { acceleratorSchema, latencySchema, yardstickSchema } from '../../profiles/table.ts';
import type { StoppingRule } from './stopping.ts';

/** Opens the model and answers one row. The process must be under its quota by now. */
export interface OpenQuestion {
  readonly ask: 'open';
  readonly model: ModelFile;
  readonly config: Config;
  /** Default: the engine's own rule. */
  readonly threading?: Threading | undefined;
  /** What runs the share of the GPU; default: the engine's own choice. */
  readonly provider?: ProviderName | undefined;
}
/** Looks at what a provider makes of the model; needs no model to be open. */
export interface ExamineQuestion {
  readonly ask: 'examine';
  readonly model: ModelFile;
  readonly config: Config;
  readonly provider: ProviderName;
  readonly batches: readonly number[];
}
export interface WarmUpQuestion {
  readonly ask: 'warm-up';
  readonly windowMs: number;
  readonly budgetMs: number;
}
export interface MeasureQuestion {
  readonly ask: 'measure';
  readonly rule: StoppingRule;
}
export interface CodecQuestion {
  readonly ask: 'codec';
  readonly budgetMs: number;
}
/** Takes requests of one row from now on, see {@link ReceiveAnswer}. */
export interface ReceiveQuestion {
  readonly ask: 'receive';
}
export type Question =
  | OpenQuestion
  | ExamineQuestion
  | WarmUpQuestion
  | MeasureQuestion
  | CodecQuestion
  | ReceiveQuestion;

export const openedSchema = z.object({
  threads: z.number().int(),
  spinning: z.boolean(),
  loadMs: z.number(),
  firstAnswerMs: z.number(),
});
export const examinedSchema = z.object({
  cpuNodes: acceleratorSchema.shape.cpuNodes,
  /** Names of tensors whose batch axis is another one than the manifest's. */
  batchAxesDiffer: z.array(z.string()),
});
export const warmedSchema = z.object({
  runs: z.number().int(),
  warmth: z.enum(['steady', 'unsteady', 'too-slow']),
});
export const measuredSchema = z.object({
  latencyMs: latencySchema,
  samples: z.number().int(),
  converged: z.boolean(),
  cpuMs: z.number(),
  /** Over all samples, with that of the yardstick. */
  totalCpuMs: z.number(),
  yardstick: yardstickSchema.optional(),
  peakMemoryBytes: z.number(),
});
export const codecSchema = z.object({ decode: z.number(), encode: z.number() });
export const receiveSchema = z.object({ port: z.number().int(), requestBytes: z.number().int() });

export type Examined = z.infer<typeof examinedSchema>;
export type Opened = z.infer<typeof openedSchema>;
export type Warmed = z.infer<typeof warmedSchema>;
export type Measured = z.infer<typeof measuredSchema>;
export type CodecTimes = z.infer<typeof codecSchema>;
/** Where requests are taken, over HTTP on this machine, and how long they are. */
export type ReceiveAnswer = z.infer<typeof receiveSchema>;

export const answerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('alive') }),
  z.object({ type: z.literal('done'), result: z.unknown() }),
  z.object({ type: z.literal('failed'), code: z.string(), reason: z.string() }),
]);
export type Answer = z.infer<typeof answerSchema>;
