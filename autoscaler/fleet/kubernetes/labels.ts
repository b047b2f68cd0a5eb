import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { configSchema } from '../../../profiles/config.ts';
import { FIELD_MANAGER } from '../../kubernetes/resource-client.ts';

/** Marks the pods of instances, for people and their tools. */
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
export const MANAGED_BY = FIELD_MANAGER;
/** The namespace whose autoscaler looks after the pod: several may share a cluster's nodes. */
export const OWNER_LABEL = 'infless.io/autoscaler';
export const FUNCTION_LABEL = 'infless.io/function';
export const VERSION_LABEL = 'infless.io/version';
/** What the next autoscaler must know of an instance; see instance-annotation.ts. */
export const INSTANCE_ANNOTATION = 'infless.io/instance';
/** How a node's GPUs are shared: see gpu/strategies.ts. */
export const GPU_SHARING_LABEL = 'infless.io/gpu-sharing';

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
