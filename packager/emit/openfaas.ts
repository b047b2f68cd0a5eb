import { HEALTH_PATH, READY_PATH, SERVER_ENVIRONMENT } from '../server/instance-protocol.ts';
import type { Deployment } from './deployment.ts';

/** A stack file, ready for `faas-cli deploy -f`. */
export function openfaasStack(deployment: Deployment): object {
  const amounts = {
    cpu: `${deployment.cpuMillicores}m`,
    memory: `${deployment.memoryBytes / 2 ** 20}Mi`,
  };
  return {
    version: '1.0',
    provider: { name: 'openfaas', gateway: 'http://127.0.0.1:8080' },
    functions: {
      [deployment.name]: {
        skip_build: true,
        image: deployment.image,
        environment: {
          [SERVER_ENVIRONMENT.cpuMillicores]: String(deployment.cpuMillicores),
          [SERVER_ENVIRONMENT.maxBatch]: String(deployment.maxBatch),
          [SERVER_ENVIRONMENT.sloMs]: String(deployment.sloMs),
        },
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
  };
}
