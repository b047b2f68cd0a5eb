import { SERVING_PORT, USER_ID } from '../contents/image-config.ts';
import { HEALTH_PATH, READY_PATH } from '../server/instance-protocol.ts';

export const PORT_NAME = 'http';

/** Of every pod that serves a model, whoever starts it: no rights, and time to finish what it has. */
export const SERVING_POD = {
  automountServiceAccountToken: false,
  terminationGracePeriodSeconds: 30,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: USER_ID,
    runAsGroup: USER_ID,
    seccompProfile: { type: 'RuntimeDefault' },
  },
} as const;

/** Of the container in it, but for its image, environment and resources. */
export const SERVING_CONTAINER = {
  name: 'model',
  ports: [{ name: PORT_NAME, containerPort: SERVING_PORT }],
  startupProbe: probe(READY_PATH, { periodSeconds: 1, failureThreshold: 300 }),
  readinessProbe: probe(READY_PATH, { periodSeconds: 5 }),
  livenessProbe: probe(HEALTH_PATH, { periodSeconds: 10, timeoutSeconds: 5 }),
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
};

function probe<T extends object>(path: string, timing: T) {
  return { httpGet: { path, port: PORT_NAME }, ...timing };
}
