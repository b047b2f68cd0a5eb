import { stringify } from 'yaml';
import { composeFile } from './compose.ts';
import type { Deployment, Dialect } from './deployment.ts';
import { kubernetesObjects } from './kubernetes.ts';
import { openfaasStack } from './openfaas.ts';

const DIALECTS = {
  kubernetes: kubernetesObjects,
  openfaas: (deployment: Deployment) => [openfaasStack(deployment)],
  infless: (deployment: Deployment) => [inferenceFunction(deployment)],
  compose: (deployment: Deployment) => [composeFile(deployment)],
} as const satisfies Record<Dialect, (deployment: Deployment) => readonly object[]>;

/** A deployment as YAML in the dialect of a platform. */
export function emitDeployment(deployment: Deployment, dialect: Dialect): string {
  // Without aliases: some readers of these files know none.
  return DIALECTS[dialect](deployment)
    .map((document) => stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 }))
    .join('---\n');
}

/**
 * An InferenceFunction, ready for `kubectl apply -f -` on a cluster with the autoscaler. It says what is
 * wanted: batch, CPU and the number of instances are the autoscaler's to choose, within what was asked for.
 */
function inferenceFunction({ name, image, sloMs, wishes, insecure }: Deployment): object {
  const { maxBatch, cpuMillicores } = wishes;
  return {
    apiVersion: 'infless.io/v1alpha1',
    kind: 'InferenceFunction',
    metadata: { name },
    spec: {
      image,
      ...(insecure ? { insecure } : {}),
      slo: { latency: `${sloMs}ms` },
      ...(maxBatch === undefined ? {} : { maxBatch }),
      ...(cpuMillicores === undefined ? {} : { limits: { cpu: `${cpuMillicores}m` } }),
    },
  };
}
