import type { V1EnvVar, V1OwnerReference, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { SERVING_CONTAINER, SERVING_POD } from '../../../packager/emit/serving-pod.ts';
import { SERVER_ENVIRONMENT } from '../../../packager/server/instance-protocol.ts';
import { MEMORY_HEADROOM } from '../../../profiles/lookup.ts';
import type { StartRequest } from '../platform.ts';
import { TOLERATIONS } from './cluster-nodes.ts';
import type { GpuClaim } from './gpu/sharing.ts';
import {
  FUNCTION_LABEL,
  INSTANCE_ANNOTATION,
  MANAGED_BY,
  MANAGED_BY_LABEL,
  OWNER_LABEL,
  VERSION_LABEL,
  writeAnnotation,
} from './labels.ts';

export interface PodContext {
  readonly namespace: string;
  readonly startedAtMs: number;
  readonly gpu: GpuClaim;
  /** What the pod goes away with. */
  readonly owner: V1OwnerReference | undefined;
}

/** Where OpenFaaS puts secrets, so that models written for it find theirs. */
const SECRETS_FOLDER = '/var/openfaas/secrets';
const SECRETS_VOLUME = 'secrets';

/** The pod of an instance. */
export function podManifest(request: StartRequest, context: PodContext): V1Pod {
  const { id, functionName, config, node, gpu, workload } = request;
  const { namespace, startedAtMs, owner } = context;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: id,
      labels: {
        [MANAGED_BY_LABEL]: MANAGED_BY,
        [OWNER_LABEL]: namespace,
        [FUNCTION_LABEL]: functionName,
        [VERSION_LABEL]: workload.version,
      },
      annotations: {
        [INSTANCE_ANNOTATION]: writeAnnotation({
          config,
          node,
          ...(gpu === undefined ? {} : { gpu }),
          startedAtMs,
        }),
      },
      ...(owner === undefined ? {} : { ownerReferences: [owner] }),
    },
    spec: podSpec(request, context.gpu),
  };
}

function podSpec(request: StartRequest, gpu: GpuClaim): V1PodSpec {
  const { config, resources, node, workload } = request;
  const { memoryBytes } = resources;
  const cpu = `${config.cpuMillicores}m`;
  // A limit that is met kills: it lies above what was measured, while the scheduler counts what was planned.
  const limitBytes = Math.ceil(memoryBytes * MEMORY_HEADROOM);
  const hasSecrets = workload.secrets.length > 0;
  return {
    ...SERVING_POD,
    // An instance is one life of one process: what comes after its end is planned anew.
    restartPolicy: 'Never',
    enableServiceLinks: false,
    affinity: onNode(node),
    tolerations: [...TOLERATIONS],
    ...(hasSecrets ? { volumes: [secretsVolume(workload.secrets)] } : {}),
    containers: [
      {
        ...SERVING_CONTAINER,
        image: workload.model,
        env: environmentOf(request, gpu),
        resources: {
          requests: { cpu, memory: String(Math.ceil(memoryBytes)), ...gpu.resources },
          limits: { cpu, memory: String(limitBytes), ...gpu.resources },
        },
        // The sooner it is seen, the sooner it serves.
        readinessProbe: { ...SERVING_CONTAINER.readinessProbe, periodSeconds: 1, failureThreshold: 5 },
        terminationMessagePolicy: 'FallbackToLogsOnError',
        ...(hasSecrets
          ? { volumeMounts: [{ name: SECRETS_VOLUME, mountPath: SECRETS_FOLDER, readOnly: true }] }
          : {}),
      },
    ],
  };
}

/**
 * Required affinity, not `nodeName`: so the scheduler still checks that the pod fits, and says why when it
 * does not.
 */
function onNode(node: string): V1PodSpec['affinity'] & object {
  const isNode = { key: 'metadata.name', operator: 'In', values: [node] };
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [isNode] }] },
    },
  };
}

function secretsVolume(secrets: readonly string[]): NonNullable<V1PodSpec['volumes']>[number] {
  return { name: SECRETS_VOLUME, projected: { sources: secrets.map((name) => ({ secret: { name } })) } };
}

/** The function's, and above it what the platform decides. */
function environmentOf({ id, config, workload }: StartRequest, gpu: GpuClaim): V1EnvVar[] {
  const values = {
    ...workload.environment,
    ...gpu.environment,
    [SERVER_ENVIRONMENT.modelName]: workload.modelName,
    [SERVER_ENVIRONMENT.instanceId]: id,
    [SERVER_ENVIRONMENT.cpuMillicores]: String(config.cpuMillicores),
    [SERVER_ENVIRONMENT.gpuPercent]: String(config.gpuPercent),
    [SERVER_ENVIRONMENT.maxBatch]: String(config.batch),
    [SERVER_ENVIRONMENT.sloMs]: String(workload.sloMs),
    // Who starts it can always find its pod again.
    [SERVER_ENVIRONMENT.orphanMs]: '0',
    ...(workload.secrets.length > 0 ? { [SERVER_ENVIRONMENT.secrets]: SECRETS_FOLDER } : {}),
  };
  return Object.entries(values).map(([name, value]) => ({ name, value: literal(value) }));
}

/** Kubernetes replaces `$(NAME)` in values; a function's are meant as they are written. */
function literal(value: string): string {
  return value.replaceAll('$(', () => '$$(');
}
