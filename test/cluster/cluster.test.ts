/**
 * From a model file to answered requests on a real cluster: `npm run test:cluster`, with KUBECONFIG naming a
 * cluster whose nodes pull from a registry at 127.0.0.1:5000 and whose pods this machine reaches. Never part
 * of another test run: a kubeconfig that happens to lie around may be of somebody's production.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineFor } from '../../models/engines/index.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { AutoscalerProcess } from '../support/autoscaler-process.ts';
import { ProgramRun } from '../support/program-run.ts';
import { Installation, kubectlCommand } from './installation.ts';
import { startRegistry } from './local-registry.ts';

const REGISTRY = '127.0.0.1:5000';
const NAMESPACE = 'infless-cluster-test';
const NAME = 'digits';
const SELECTOR = `infless.io/function=${NAME}`;
/** Small enough that several fit on one node. */
const CPU = '0.3';

const IMAGE = Array.from({ length: 28 }, (_, y) => Array.from({ length: 28 }, (_, x) => [(x * y) / 784]));

const kubectl = kubectlCommand();
const missing =
  process.env.KUBECONFIG === undefined
    ? 'needs KUBECONFIG, naming a cluster to try on'
    : kubectl === undefined
      ? 'needs kubectl'
      : spawnSync('docker-registry', ['--version']).error === undefined
        ? undefined
        : 'needs docker-registry';

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly containers: readonly { readonly resources: { readonly limits: object } }[] };
  readonly status: { readonly phase: string };
}

describe.skipIf(missing !== undefined)(
  `on a cluster (${missing ?? 'KUBECONFIG'})`,
  { timeout: 300_000 },
  () => {
    const cluster = new Installation(kubectl!, NAMESPACE);
    let folder: string;
    let registry: { stop(): void };
    let autoscaler: AutoscalerProcess;
    let kubeconfig: string;
    let table: ProfileTable;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'infless-cluster-'));
      registry = await startRegistry(REGISTRY, folder);
      await cluster.install();
      kubeconfig = await cluster.accountKubeconfig(folder);
    }, 300_000);
    afterAll(async () => {
      autoscaler?.child.kill('SIGKILL');
      cluster.uninstall();
      registry?.stop();
      await rm(folder, { recursive: true, force: true });
    }, 300_000);

    function serve(): AutoscalerProcess {
      const flags = ['--platform', 'kubernetes', '--kubeconfig', kubeconfig, '--namespace', NAMESPACE];
      return new AutoscalerProcess(...flags, '--port', '0', '--state-dir', join(folder, 'state'));
    }

    async function run(program: string, ...args: readonly string[]): Promise<string> {
      const running = new ProgramRun(program, args);
      if ((await running.exited()) === 0) return running.stdout;
      throw new Error(`${program} ${args.join(' ')}: ${running.stderr}`);
    }

    function pods(): readonly Pod[] {
      return cluster.list<Pod>('pods', SELECTOR);
    }

    async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
      const giveUpAtMs = performance.now() + 240_000;
      while (!(await condition())) {
        if (performance.now() > giveUpAtMs)
          throw new Error(`${what}: not within 4 minutes\n${autoscaler.stderr}`);
        await sleep(200);
      }
    }

    async function readyInstances(): Promise<number> {
      const { instances } = await autoscaler.status(NAME);
      return instances.filter(({ phase }) => phase === 'ready').length;
    }

    async function predict(address = NAME): Promise<number[]> {
      const url = `${await autoscaler.url()}/function/${address}`;
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ instances: [IMAGE] }) });
      const text = await answer.text();
      expect(answer.status, text).toBe(200);
      return (JSON.parse(text) as { predictions: [number[]] }).predictions[0];
    }

    it('packs a model with its table, and pushes it', async () => {
      const file = join(folder, 'table.json');
      await run('profiler/bin', 'mnist', '--quick', '--batches', '1,4', '--cpus', CPU, '-o', file);
      table = JSON.parse(await readFile(file, 'utf8'));
      await run(
        'packager/bin',
        'mnist',
        '-t',
        `${REGISTRY}/mnist:1`,
        '--base',
        'host',
        '--insecure',
        '--profile',
        file,
      );
    });

    it('is told of a function by kubectl, and starts a pod of exactly the planned size', async () => {
      autoscaler = serve();
      const object = {
        apiVersion: 'infless.io/v1alpha1',
        kind: 'InferenceFunction',
        metadata: { name: NAME },
        spec: {
          image: `${REGISTRY}/mnist:1`,
          insecure: true,
          slo: { latency: '500ms' },
          scale: { minInstances: 1, idle: '5s', policy: 'fixed' },
        },
      };
      cluster.kubectl(['apply', '-f', '-'], JSON.stringify(object));
      await until(async () => (await readyInstances()) >= 1, 'an instance is ready');
      expect(pods()[0]!.spec.containers[0]!.resources.limits).toMatchObject({ cpu: '300m' });
      const listed = (): string => cluster.kubectl(['get', 'inf', NAME]);
      await until(() => / True /.test(listed()), 'the function is ready');
      expect(listed()).toMatch(/500ms/);
    });

    it('answers what the engine answers', async () => {
      const model = await resolveModel('mnist');
      const engine = engineFor(model.manifest.format);
      const session = await engine.open(model, { cpuMillicores: 1000, gpuPercent: 0 });
      const [input] = model.manifest.inputs;
      const shape = input!.shape.map((size) => size ?? 1);
      const data = Float32Array.from(IMAGE.flat());
      const [scores] = Object.values(await session.run({ [input!.name]: { dtype: 'float32', shape, data } }));
      await session.close();
      const answered = await predict();
      expect(answered).toHaveLength(10);
      for (const [index, score] of Array.from(scores!.data as Float32Array).entries())
        expect(answered[index]).toBeCloseTo(score, 4);
      for (const namespace of [NAMESPACE, 'openfaas-fn'])
        expect(await predict(`${NAME}.${namespace}`), namespace).toEqual(answered);
    });

    it('scales out under load, and in after it', async () => {
      const oneInstance = Math.max(...table.cells.map(({ throughputPerSecond }) => throughputPerSecond));
      const rate = Math.round(oneInstance * 1.3);
      const url = `${await autoscaler.url()}/function/${NAME}`;
      const load = new ProgramRun('profiler/load/bin', [url, '--rate', String(rate), '--duration', '25s']);
      await until(async () => (await readyInstances()) >= 2, 'a second instance is ready');
      await load.exited();
      await until(() => pods().length === 1, 'one instance is left');
    });

    it('adopts what runs after a crash', async () => {
      const [before] = pods();
      autoscaler.child.kill('SIGKILL');
      await autoscaler.exited();
      autoscaler = serve();
      await until(async () => (await readyInstances()) === 1, 'the instance is adopted');
      expect(pods().map(({ metadata }) => metadata.name)).toEqual([before!.metadata.name]);
      await predict();
    });

    it('goes to nothing when idle, and comes back for a request', async () => {
      const patch = JSON.stringify({ spec: { scale: { minInstances: 0 } } });
      cluster.kubectl(['patch', 'inf', NAME, '--type=merge', '-p', patch]);
      await until(() => pods().length === 0, 'no instance is left');
      expect(await predict()).toHaveLength(10);
    });

    it('starts another when a pod is deleted behind its back', async () => {
      const [{ metadata }] = pods() as [Pod];
      cluster.kubectl(['patch', 'inf', NAME, '--type=merge', '-p', '{"spec":{"scale":{"minInstances":1}}}']);
      cluster.kubectl(['delete', 'pod', metadata.name, '--wait=false']);
      await until(() => pods().some((pod) => pod.metadata.name !== metadata.name), 'another pod');
      await until(async () => (await readyInstances()) === 1, 'it is ready');
      await predict();
    });

    it('leaves nothing when the function is deleted', async () => {
      cluster.kubectl(['delete', 'inf', NAME]);
      await until(() => pods().length === 0, 'no pod is left');
      const answer = await fetch(`${await autoscaler.url()}/function/${NAME}`, {
        method: 'POST',
        body: '{}',
      });
      expect(answer.status).toBe(404);
    });
  },
);
