import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  API_VERSION,
  INFERENCE_FUNCTION,
  type InferenceFunction,
} from '../../../autoscaler/functions/kubernetes/inference-function.ts';
import { type ApiObject, ApiRefusal, ApiRequests } from './api-requests.ts';
import { DEFINITIONS_PATH, isEstablished } from './definitions.ts';
import { functionsPath } from './inference-functions.ts';
import { readKubeconfig } from './kubeconfig.ts';

const { group, plural, kind } = INFERENCE_FUNCTION;
const NAME = `${plural}.${group}`;
const DEFINITION_PATH = `${DEFINITIONS_PATH}/${NAME}`;
/** There in every cluster; what serves custom resources alone does not ask. */
const NAMESPACE = 'default';
const PATIENCE_MS = 30_000;

/** Names the kubeconfig of an API server whose definition of InferenceFunction tests may replace. */
export const definitionKubeconfig = process.env.INFLESS_CRD_KUBECONFIG || undefined;

export const NO_DEFINITION_SERVER =
  'needs INFLESS_CRD_KUBECONFIG, naming an API server of Kubernetes 1.30 or newer to try definitions on';

/**
 * A current API server on which the definition of InferenceFunction comes and goes, and all functions with
 * it. It need serve nothing else: no pods, no namespaces.
 */
export class DefinitionServer {
  readonly kubeconfig: string;
  readonly namespace = NAMESPACE;
  readonly requests: ApiRequests;

  private constructor(kubeconfig: string, requests: ApiRequests) {
    this.kubeconfig = kubeconfig;
    this.requests = requests;
  }

  static async open(kubeconfig: string): Promise<DefinitionServer> {
    return new DefinitionServer(kubeconfig, new ApiRequests(await readKubeconfig(kubeconfig), 1));
  }

  /** Installs a definition where there is none; resolves when objects of it are taken. */
  async install(definition: unknown, fieldManager = 'tests'): Promise<void> {
    await this.requests.send('POST', DEFINITIONS_PATH, definition, {
      query: { fieldManager, fieldValidation: 'Strict' },
    });
    await this.served();
  }

  definition(): Promise<ApiObject> {
    return this.requests.get(DEFINITION_PATH);
  }

  /** Resolves once objects of the kind are taken. */
  async served(): Promise<void> {
    await until('the definition is served', async () => {
      if (!(await isEstablished(this.requests, NAME))) return false;
      await this.requests.get(functionsPath(NAMESPACE));
      return true;
    });
  }

  /** With all functions; resolves when nothing is left. */
  async uninstall(): Promise<void> {
    await this.requests.delete(DEFINITION_PATH).catch(unlessNotFound);
    await until('the definition is gone', async () => {
      const left = await this.requests.get(DEFINITION_PATH).catch(unlessNotFound);
      return left === undefined;
    });
  }

  /** @param query e.g. `dryRun: 'All'` */
  create(object: ApiObject, query: Record<string, string> = {}): Promise<ApiObject> {
    return this.requests.send('POST', functionsPath(NAMESPACE), object, { query });
  }

  async close(): Promise<void> {
    await this.requests.close();
  }

  /** Runs the kubectl of the PATH; fails with what it said, a warning included. */
  kubectl(args: readonly string[], input?: string): string {
    // Of its own, so that no kind is known or unknown from before.
    const cache = mkdtempSync(join(tmpdir(), 'infless-kubectl-'));
    const flags = [`--kubeconfig=${this.kubeconfig}`, `--cache-dir=${cache}`, '--warnings-as-errors'];
    const { status, stdout, stderr, error } = spawnSync('kubectl', [...flags, ...args], {
      encoding: 'utf8',
      ...(input === undefined ? {} : { input }),
    });
    rmSync(cache, { recursive: true, force: true });
    if (status === 0) return stdout;
    throw new Error(`kubectl ${args.join(' ')}: ${error?.message ?? stderr}`);
  }
}

/** An object of the kind, as somebody writes it: with `null`s, or with nothing in it. */
export function functionObject(name: string, spec: Record<string, unknown>): ApiObject {
  return { apiVersion: API_VERSION, kind, metadata: { name }, spec };
}

/** What has to be said of every function. */
export const LEAST_SPEC: InferenceFunction['spec'] = {
  image: 'registry.example/digits:1',
  slo: { latency: '200ms' },
};

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  for (;;) {
    if ((await condition().catch(unlessInBetween)) === true) return;
    if (performance.now() > giveUpAtMs) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(20);
  }
}

function unlessNotFound(error: unknown): undefined {
  if (error instanceof ApiRefusal && error.status === 404) return undefined;
  throw error;
}

/**
 * Answers while a kind comes or goes: not found, and too many requests, which says "storage is
 * (re)initializing".
 */
function unlessInBetween(error: unknown): undefined {
  if (error instanceof ApiRefusal && error.status === 429) return undefined;
  return unlessNotFound(error);
}
