import { Document, isMap } from 'yaml';
import { HEALTH_PATH, READY_PATH, SERVER_ENVIRONMENT } from '../server/instance-protocol.ts';
import type { Deployment } from './deployment.ts';

/** A stack file, ready for `faas-cli deploy -f`. */
export function openfaasStack(deployment: Deployment): Document {
  const amounts = {
    cpu: `${deployment.cpuMillicores}m`,
    memory: `${deployment.memoryBytes / 2 ** 20}Mi`,
  };
  const stack = new Document(
    {
      version: '1.0',
      provider: { name: 'openfaas', gateway: 'http://127.0.0.1:8080' },
      functions: {
        [deployment.name]: {
          skip_build: true,
          image: deployment.image,
          limits: amounts,
          requests: amounts,
          readonly_root_filesystem: true,
          annotations: {
            'com.openfaas.health.http.path': HEALTH_PATH,
            'com.openfaas.ready.http.path': READY_PATH,
            'infless.io/model-digest': deployment.modelDigest,
            'infless.io/slo-ms': String(deployment.sloMs),
          },
        },
      },
    },
    { aliasDuplicateObjects: false },
  );
  const entry = stack.getIn(['functions', deployment.name]);
  if (isMap(entry)) entry.comment = environmentComment(deployment);
  return stack;
}

/** The autoscaler decides all of this itself, and refuses it; OpenFaaS' own gateway knows nothing of it. */
function environmentComment({ cpuMillicores, maxBatch, sloMs }: Deployment): string {
  return [
    "For the gateway of OpenFaaS itself, which does not decide this as INFless' does:",
    'environment:',
    `  ${SERVER_ENVIRONMENT.cpuMillicores}: "${cpuMillicores}"`,
    `  ${SERVER_ENVIRONMENT.maxBatch}: "${maxBatch}"`,
    `  ${SERVER_ENVIRONMENT.sloMs}: "${sloMs}"`,
  ]
    .map((line) => ` ${line}`)
    .join('\n');
}
