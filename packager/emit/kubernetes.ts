import { SERVER_ENVIRONMENT } from '../server/instance-protocol.ts';
import type { Deployment } from './deployment.ts';
import { PORT_NAME, SERVING_CONTAINER, SERVING_POD } from './serving-pod.ts';

const MODEL_ANNOTATION = 'infless.io/model-digest';
const SLO_ANNOTATION = 'infless.io/slo-ms';

/** A Deployment and a Service, ready for `kubectl apply -f -`. */
export function kubernetesObjects(deployment: Deployment): readonly object[] {
  const { name } = deployment;
  const selector = { 'app.kubernetes.io/name': name };
  const metadata = {
    name,
    labels: { ...selector, 'app.kubernetes.io/managed-by': 'infless-pack' },
    annotations: {
      [MODEL_ANNOTATION]: deployment.modelDigest,
      [SLO_ANNOTATION]: String(deployment.sloMs),
    },
  };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        template: { metadata: { labels: selector }, spec: podOf(deployment) },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, labels: metadata.labels },
      spec: { selector, ports: [{ name: PORT_NAME, port: 80, targetPort: PORT_NAME }] },
    },
  ];
}

function podOf(deployment: Deployment): object {
  const amounts = {
    cpu: `${deployment.cpuMillicores}m`,
    memory: `${deployment.memoryBytes / 2 ** 20}Mi`,
  };
  const gpu = deployment.hasGpu === true ? { 'nvidia.com/gpu': '1' } : {};
  const { name, ports, ...rest } = SERVING_CONTAINER;
  return {
    ...SERVING_POD,
    containers: [
      {
        name,
        image: deployment.image,
        ports,
        env: [
          // The process chooses its threads by its quota, which the limit below is.
          {
            name: SERVER_ENVIRONMENT.cpuMillicores,
            valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } },
          },
          { name: SERVER_ENVIRONMENT.maxBatch, value: String(deployment.maxBatch) },
          { name: SERVER_ENVIRONMENT.sloMs, value: String(deployment.sloMs) },
        ],
        resources: { requests: { ...amounts, ...gpu }, limits: { ...amounts, ...gpu } },
        ...rest,
      },
    ],
  };
}
