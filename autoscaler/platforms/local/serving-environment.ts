import { SERVER_ENVIRONMENT } from '../../../packager/server/instance-protocol.ts';
import type { StartRequest } from '../platform.ts';

/** Long enough for any grace: the end of a drain is ours to set, by SIGKILL. */
const DRAIN_MS = 600_000;

/**
 * The environment of one serving process: ours, the function's, and above both what the platform decides.
 *
 * @param secretsFolder where its secrets are, if it has any
 * @param ofGpu what its share of a GPU takes
 */
export function servingEnvironment(
  request: StartRequest,
  orphanMs: number,
  secretsFolder: string | undefined,
  ofGpu: NodeJS.ProcessEnv = {},
  inherited: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const { config, workload } = request;
  return {
    ...withoutServerSettings(inherited),
    ...workload.environment,
    [SERVER_ENVIRONMENT.model]: workload.model,
    [SERVER_ENVIRONMENT.modelName]: workload.modelName,
    [SERVER_ENVIRONMENT.instanceId]: request.id,
    [SERVER_ENVIRONMENT.host]: '127.0.0.1',
    [SERVER_ENVIRONMENT.port]: '0',
    [SERVER_ENVIRONMENT.cpuMillicores]: String(config.cpuMillicores),
    [SERVER_ENVIRONMENT.gpuPercent]: String(config.gpuPercent),
    [SERVER_ENVIRONMENT.maxBatch]: String(config.batch),
    [SERVER_ENVIRONMENT.sloMs]: String(workload.sloMs),
    [SERVER_ENVIRONMENT.drainMs]: String(DRAIN_MS),
    [SERVER_ENVIRONMENT.orphanMs]: String(orphanMs),
    ...(secretsFolder === undefined ? {} : { [SERVER_ENVIRONMENT.secrets]: secretsFolder }),
    ...ofGpu,
  };
}

/** Settings that a person made for a server of their own must not reach every instance. */
function withoutServerSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = new Set<string>(Object.values(SERVER_ENVIRONMENT));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.has(name)));
}
