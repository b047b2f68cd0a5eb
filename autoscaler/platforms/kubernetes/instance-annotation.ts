import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { configSchema } from '../../../profiles/config.ts';
import { FUNCTION_LABEL, INSTANCE_ANNOTATION, VERSION_LABEL } from '../../fleet/kubernetes/labels.ts';

/** What a pod's own fields do not say of its instance. */
const instanceSchema = z.object({
  config: configSchema,
  node: z.string(),
  gpu: z.number().int().nonnegative().exactOptional(),
  /** Finer than the whole seconds of `creationTimestamp`. */
  startedAtMs: z.number(),
});
export type InstanceAnnotation = Readonly<z.infer<typeof instanceSchema>>;

/** What an instance was started as. */
export interface InstanceIdentity extends InstanceAnnotation {
  readonly id: string;
  readonly functionName: string;
  readonly version: string;
}

export function writeAnnotation(instance: InstanceAnnotation): string {
  return JSON.stringify(instance);
}

/** Undefined for a pod that somebody has made or changed so that it is none of ours any more. */
export function readInstance({ metadata }: V1Pod): InstanceIdentity | undefined {
  const id = metadata?.name;
  const functionName = metadata?.labels?.[FUNCTION_LABEL];
  const version = metadata?.labels?.[VERSION_LABEL];
  const read = instanceSchema.safeParse(parseJson(metadata?.annotations?.[INSTANCE_ANNOTATION]));
  if (!read.success || id === undefined || functionName === undefined || version === undefined)
    return undefined;
  return { id, functionName, version, ...read.data };
}

function parseJson(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
