import { z } from 'zod';
import { operatorSchema } from '../../../models/engines/tracing.ts';
import type { ModelFile } from '../../../models/manifest/manifest.ts';
import type { Config } from '../../../profiles/config.ts';
import { codecSchema, openedSchema } from '../../cell/cell-protocol.ts';

/** What the process of one traced run is asked, once. */
export interface TraceQuestion {
  readonly model: ModelFile;
  readonly config: Config;
  /** For the runs without a trace, and again for those with one. */
  readonly budgetMs: number;
  readonly periodMs: number;
}

const observationSchema = openedSchema.extend({
  /** The fastest batch, and the mean. */
  wallMs: z.number().positive(),
  usualMs: z.number().positive(),
  cpuMs: z.number().nonnegative(),
  peakMemoryBytes: z.number().int().nonnegative(),
  codecMs: codecSchema,
});
/** How the model ran without a trace. */
export type Observation = Readonly<z.infer<typeof observationSchema>>;

export const operatorTimeSchema = z.object({ operator: operatorSchema, meanMs: z.number().nonnegative() });

export const traceAnswerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({
    type: z.literal('done'),
    observation: observationSchema,
    operators: z.array(operatorTimeSchema),
    /** Runs that the operators' times are from. */
    samples: z.number().int(),
  }),
  z.object({ type: z.literal('failed'), reason: z.string() }),
]);
export type TraceAnswer = z.infer<typeof traceAnswerSchema>;
