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
