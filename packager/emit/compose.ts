import { SERVING_PORT } from '../contents/image-config.ts';
import { READY_PATH, SERVER_ENVIRONMENT } from '../server/instance-protocol.ts';
import type { Deployment } from './deployment.ts';

const GPU = { driver: 'nvidia', count: 1, capabilities: ['gpu'] };

/** A Compose file, ready for `docker compose up`. */
export function composeFile(deployment: Deployment): object {
  return {
    services: {
      [deployment.name]: {
        image: deployment.image,
        ports: [`${SERVING_PORT}:${SERVING_PORT}`],
        environment: {
          [SERVER_ENVIRONMENT.cpuMillicores]: String(deployment.cpuMillicores),
          [SERVER_ENVIRONMENT.maxBatch]: String(deployment.maxBatch),
          [SERVER_ENVIRONMENT.sloMs]: String(deployment.sloMs),
        },
        cpus: deployment.cpuMillicores / 1000,
        mem_limit: deployment.memoryBytes,
        ...(deployment.hasGpu === true
          ? { deploy: { resources: { reservations: { devices: [GPU] } } } }
          : {}),
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        stop_grace_period: '30s',
        healthcheck: {
          // There is no shell and no curl in the image, and each check starts a Node.js: seldom is enough.
          test: ['CMD', ...deployment.node, '-e', askWhetherReady()],
          interval: '30s',
          start_period: '60s',
        },
      },
    },
  };
}

function askWhetherReady(): string {
  const url = `http://127.0.0.1:${SERVING_PORT}${READY_PATH}`;
  return `fetch('${url}').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`;
}
