import { setTimeout as sleep } from 'node:timers/promises';
import { APPLY_PATCH } from './api-requests.ts';
import type { ApiServer } from './api-server.ts';
import { DEFINITIONS_PATH, isEstablished } from './definitions.ts';

const GROUP = 'metrics.k8s.io';
const VERSION = 'v1beta1';

/**
 * In place of a metrics server: its API as one of custom objects, which tests write. One a server; once it is
 * there, all platforms on it find it.
 */
export async function installMetrics({ requests }: ApiServer): Promise<void> {
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await requests.create(DEFINITIONS_PATH, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `pods.${GROUP}`,
      annotations: { 'api-approved.kubernetes.io': 'unapproved, plays the metrics server' },
    },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { plural: 'pods', singular: 'pod', kind: 'PodMetrics', listKind: 'PodMetricsList' },
      versions: [{ name: VERSION, served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  });
  while (!(await isEstablished(requests, `pods.${GROUP}`))) await sleep(20);
}

/** What a metrics server would say of a pod as of now. */
export async function measurePod(
  { requests }: Pick<ApiServer, 'requests'>,
  namespace: string,
  name: string,
  usage: { readonly cpu: string; readonly memory: string },
): Promise<void> {
  await requests.send(
    'PATCH',
    `/apis/${GROUP}/${VERSION}/namespaces/${namespace}/pods/${name}`,
    {
      apiVersion: `${GROUP}/${VERSION}`,
      kind: 'PodMetrics',
      metadata: { name },
      timestamp: new Date().toISOString(),
      window: '15s',
      containers: [{ name: 'model', usage }],
    },
    { contentType: APPLY_PATCH, query: { fieldManager: 'metrics', force: true } },
  );
}
