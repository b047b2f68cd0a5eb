import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { FunctionStatus } from '../../../autoscaler/gateway/admin/function-status.ts';
import { percentileRateModel } from '../../../autoscaler/planning/capacity/percentile-rates.ts';
import { KubernetesBackend } from '../../../autoscaler/service/kubernetes-backend.ts';
import { type Service, startService } from '../../../autoscaler/service/service.ts';
import { systemClock } from '../../../models/base/clock.ts';
import { packageRoot } from '../../../models/base/package.ts';
import { SmallRegistry } from '../../packager/registry/small-registry.ts';
import { AutoscalerProcess } from '../../support/autoscaler-process.ts';
import { pushDescribed } from '../../support/described-image.ts';
import { type ApiServer, newNamespace, openApiServer } from '../../support/kubernetes/api-server.ts';
import { functionsPath, installInferenceFunctions } from '../../support/kubernetes/inference-functions.ts';
import { PodPlayer } from '../../support/kubernetes/pod-player.ts';
import { PROFILE } from '../../support/simulated-functions.ts';

const SOON = { timeout: 50_000, interval: 50 };

let server: ApiServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-kubernetes-'));
  process.env.INFLESS_CACHE_DIR = join(folder, 'cache');
  server = await openApiServer();
}, 120_000);
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

function program(...args: string[]): AutoscalerProcess {
  const autoscaler = new AutoscalerProcess('--platform', 'kubernetes', '--port', '0', ...args);
  onTestFinished(() => void autoscaler.child.kill('SIGKILL'));
  return autoscaler;
}

describe('infless-autoscaler --platform kubernetes', () => {
  it.each([
    ['no kubeconfig', ['--kubeconfig', '/nowhere/config'], 2, /Kubeconfig \/nowhere\/config cannot be read/],
    ['an option of the other platform', ['--cpu', '2'], 2, /--cpu is not an option of --platform kubernetes/],
  ])('with %s says so in a sentence', async (_, args, exitCode, message) => {
    const autoscaler = program(...args);
    expect(await autoscaler.exited()).toBe(exitCode);
    expect(autoscaler.stderr).toMatch(message);
    expect(autoscaler.stderr).not.toContain('    at ');
  });

  it('without a cluster says so in a sentence', async () => {
    const kubeconfig = join(folder, 'away');
    const cluster = { name: 'c', cluster: { server: 'http://127.0.0.1:1' } };
    const context = { name: 'c', context: { cluster: 'c', user: '' } };
    const config = { clusters: [cluster], contexts: [context], users: [], 'current-context': 'c' };
    await writeFile(kubeconfig, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
    const autoscaler = program('--kubeconfig', kubeconfig);
    expect(await autoscaler.exited()).toBe(3);
    expect(autoscaler.stderr).toMatch(/No cluster answers at http:\/\/127\.0\.0\.1:1: .*\n/);
  });

  it('on a cluster that knows no functions says what to install', async () => {
    const autoscaler = program('--kubeconfig', server.kubeconfig, '--namespace', await newNamespace(server));
    expect(await autoscaler.exited()).toBe(3);
    expect(autoscaler.stderr).toMatch(/does not know InferenceFunction\. Install it with: kubectl apply/);
  });
});

describe('the autoscaler on a cluster', () => {
  beforeAll(() => installInferenceFunctions(server), 60_000);

  let namespace: string;
  let player: PodPlayer;
  let service: Service;
  let image: string;
  beforeEach(async () => {
    const registry = await SmallRegistry.start();
    image = `${registry.host}/digits:1`;
    await pushDescribed(image, PROFILE);
    namespace = await newNamespace(server);
    player = new PodPlayer(server.requests, namespace);
    onTestFinished(() => player.close());
    await player.addNode(`${namespace}-node`);
    const first = await start();
    service = first;
    onTestFinished(() => first.close('leave'));
  });

  async function start(
    functionsFile?: string,
    { kubeconfig = server.kubeconfig, logger = pino({ level: 'silent' }) } = {},
  ): Promise<Service> {
    return startService({
      host: '127.0.0.1',
      port: 0,
      backend: await KubernetesBackend.connect({ kubeconfig, namespace }, logger),
      ...(functionsFile === undefined ? {} : { functionsFile }),
      rates: percentileRateModel,
      logger,
    });
  }

  async function request(method: string, path: string, body?: object): Promise<Response> {
    return fetch(service.url + path, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  }

  async function phase(name: string): Promise<FunctionStatus['phase']> {
    return ((await (await request('GET', `/api/functions/${name}`)).json()) as FunctionStatus).phase;
  }

  it('makes objects of what is declared by REST, and pods of what they ask for', async () => {
    const declared = await request('POST', '/api/functions', {
      name: 'digits',
      image,
      insecure: true,
      slo: '200ms',
      scale: { min: 2 },
    });
    expect(declared.status, await declared.clone().text()).toBe(201);
    const object = await server.requests.get(functionsPath(namespace, 'digits'));
    await expect.poll(() => player.pods(), SOON).toHaveLength(2);
    for (const { metadata, spec } of await player.pods()) {
      expect(metadata?.ownerReferences).toMatchObject([
        { kind: 'InferenceFunction', name: 'digits', uid: object.metadata.uid },
      ]);
      expect(spec?.containers[0]?.image).toMatch(/\/digits@sha256:[0-9a-f]{64}$/);
    }
    await expect.poll(() => phase('digits'), SOON).toBe('ready');
    await expect
      .poll(async () => (await server.requests.get(functionsPath(namespace, 'digits'))).status, SOON)
      .toMatchObject({ phase: 'Ready', readyReplicas: 2 });

    expect((await request('DELETE', '/api/functions/digits')).status).toBe(204);
    await expect(server.requests.get(functionsPath(namespace, 'digits'))).rejects.toThrow(/not found/);
    await expect.poll(() => player.pods(), SOON).toEqual([]);
    expect((await request('GET', '/api/functions/digits')).status).toBe(404);
  });

  it('answers at the name that faas-cli makes of a name without a namespace', async () => {
    const declaration = { name: 'digits', image, insecure: true, slo: '200ms' };
    expect((await request('POST', '/api/functions', declaration)).status).toBe(201);
    const metadata = '/v1/models/digits/metadata';
    for (const address of ['digits', `digits.${namespace}`, 'digits.openfaas-fn']) {
      const answer = await request('GET', `/function/${address}${metadata}`);
      expect(answer.status, `${address}: ${await answer.clone().text()}`).toBe(200);
      expect((await request('POST', `/async-function/${address}`, {})).status, address).toBe(202);
    }
    expect((await request('GET', `/function/digits.other${metadata}`)).status).toBe(404);
  });

  it('makes objects of the functions of a file, whose tables may lie in the cluster', async () => {
    const file = join(folder, `${namespace}.yaml`);
    const profile = 'configmap:tables/digits.json';
    const functions = [{ name: 'digits', image, insecure: true, slo: '200ms', profile }];
    await writeFile(file, JSON.stringify({ functions }));
    await expect(start(file)).rejects.toThrow(/"digits.json" in ConfigMap .*tables does not exist/);
    await server.requests.create(`/api/v1/namespaces/${namespace}/configmaps`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'tables' },
      data: { 'digits.json': JSON.stringify(PROFILE) },
    });
    const other = await start(file);
    onTestFinished(() => other.close('leave'));
    const { spec } = await server.requests.get(functionsPath(namespace, 'digits'));
    expect(spec).toMatchObject({ image, profile: { configMap: { name: 'tables', key: 'digits.json' } } });
    await expect.poll(() => phase('digits'), SOON).toBe('ready');
  });

  it('is one of several of which one decides, and another when that one ends', async () => {
    const declaration = { name: 'digits', image, insecure: true, slo: '200ms', scale: { min: 1 } };
    await request('POST', '/api/functions', declaration);
    await expect.poll(() => phase('digits'), SOON).toBe('ready');
    const successor = await start();
    onTestFinished(() => successor.close('leave'));
    const [pod] = await player.pods();
    // What the other gateway is asked, the leader answers: it alone knows what is measured of its requests.
    const asked = async (): Promise<FunctionStatus> =>
      (await (await fetch(`${successor.url}/api/functions/digits`)).json()) as FunctionStatus;
    service.controller.find('digits')!.latencies.record(12, systemClock.nowMs());
    await expect.poll(async () => (await asked()).latest?.requests, SOON).toBe(1);
    expect(successor.controller.find('digits')?.latencies.summary(200, systemClock.nowMs())).toBeUndefined();
    await service.close('leave');

    service = successor;
    await request('PUT', '/api/functions/digits', { ...declaration, scale: { min: 2 } });
    await expect.poll(() => player.pods(), SOON).toHaveLength(2);
    expect((await player.pods()).map(({ metadata }) => metadata?.uid)).toContain(pod?.metadata?.uid);
    await expect
      .poll(async () => (await server.requests.get(functionsPath(namespace, 'digits'))).status, SOON)
      .toMatchObject({ phase: 'Ready', readyReplicas: 2 });
  });

  it('needs no other rights than those it is installed with', async (context) => {
    if (server.kind === 'double') context.skip('the API double gives everybody every right');
    await service.close('leave');
    const errors: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => void errors.push(line) });
    const kubeconfig = await asInstalled(server, namespace, folder);
    service = await start(undefined, { kubeconfig, logger });
    onTestFinished(() => service.close('leave'));
    const declaration = { name: 'digits', image, insecure: true, slo: '200ms', scale: { min: 1 } };
    expect((await request('POST', '/api/functions', declaration)).status).toBe(201);
    await expect.poll(() => phase('digits'), SOON).toBe('ready');
    await expect
      .poll(async () => (await server.requests.get(functionsPath(namespace, 'digits'))).status, SOON)
      .toMatchObject({ phase: 'Ready' });
    const secret = { name: 'token', value: 'one' };
    expect((await request('POST', '/system/secrets', secret)).ok).toBe(true);
    expect((await request('PUT', '/system/secrets', secret)).ok).toBe(true);
    expect(await (await request('GET', '/system/secrets')).json()).toMatchObject([{ name: 'token' }]);
    expect((await request('DELETE', '/system/secrets', { name: 'token' })).ok).toBe(true);
    expect((await request('DELETE', '/api/functions/digits')).status).toBe(204);
    await expect.poll(() => player.pods(), SOON).toEqual([]);
    // the table was measured here, under the period of this machine
    expect(errors.filter((line) => !line.includes('were not measured under a quota period'))).toEqual([]);
  });

  it('tells of a function that cannot run', async () => {
    await server.requests.create(functionsPath(namespace), {
      apiVersion: 'infless.io/v1alpha1',
      kind: 'InferenceFunction',
      metadata: { name: 'digits' },
      spec: { image: image.replace('digits', 'nothing'), insecure: true, slo: { latency: '1s' } },
    });
    await expect.poll(() => phase('digits'), SOON).toBe('broken');
  });
});

/** A kubeconfig of the account that the manifests install, with the rights that they give it. */
async function asInstalled(server: ApiServer, namespace: string, folder: string): Promise<string> {
  const rights = '/apis/rbac.authorization.k8s.io/v1';
  const account = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const paths: Readonly<Record<string, string>> = {
    Role: `${rights}/namespaces/${namespace}/roles`,
    RoleBinding: `${rights}/namespaces/${namespace}/rolebindings`,
    ClusterRole: `${rights}/clusterroles`,
    ClusterRoleBinding: `${rights}/clusterrolebindings`,
    ServiceAccount: account,
  };
  for (const file of ['service-account.yaml', 'role.yaml', 'cluster-role.yaml']) {
    const text = await readFile(join(packageRoot, 'autoscaler/deploy/base', file), 'utf8');
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS();
      for (const subject of object.subjects ?? []) subject.namespace = namespace;
      await server.requests.create(paths[object.kind]!, object);
    }
  }
  const { status } = await server.requests.create(`${account}/infless-autoscaler/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {},
  });
  const config = parse(await readFile(server.kubeconfig, 'utf8'));
  const { name } = config.users[0];
  config.users = [{ name, user: { token: (status as { token: string }).token } }];
  const file = join(folder, 'as-installed');
  await writeFile(file, stringify(config));
  return file;
}
