import type { Deployment } from './deployment.ts';

/**
 * An InferenceFunction, ready for `kubectl apply -f -` on a cluster with the autoscaler. It says what is wanted: batch, CPU
 * and the number of instances are the autoscaler's to choose, within what was asked for.
 */
export function inferenceFunction({ name, image, sloMs, wishes, insecure }: Deployment): object {
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
