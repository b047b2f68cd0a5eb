import { SERVING_PORT } from '../contents/image-config.ts';
import { USER_ID } from '../contents/user.ts';
import { HEALTH_PATH, READY_PATH, SERVER_ENVIRONMENT } from '../server/instance-protocol.ts';
import type { Deployment } from './deployment.ts';

const PORT_NAME = 'http';
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
  return {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 30,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER_ID,
      runAsGroup: USER_ID,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'model',
        image: deployment.image,
        ports: [{ name: PORT_NAME, containerPort: SERVING_PORT }],
        env: [
          // The process chooses its threads by its quota, which the limit below is.
          {
            name: SERVER_ENVIRONMENT.cpuMillicores,
            valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } },
          },
          { name: SERVER_ENVIRONMENT.maxBatch, value: String(deployment.maxBatch) },
          { name: SERVER_ENVIRONMENT.sloMs, value: String(deployment.sloMs) },
        ],
        resources: { requests: amounts, limits: amounts },
        startupProbe: probe(READY_PATH, { periodSeconds: 1, failureThreshold: 300 }),
        readinessProbe: probe(READY_PATH, { periodSeconds: 5 }),
        livenessProbe: probe(HEALTH_PATH, { periodSeconds: 10, timeoutSeconds: 5 }),
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  };
}

function probe(path: string, timing: object): object {
  return { httpGet: { path, port: PORT_NAME }, ...timing };
}
