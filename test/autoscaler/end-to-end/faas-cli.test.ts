import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CREDENTIALS, PICTURE } from './faas-cli-requests.ts';
import { measuredCache, RunningService } from './running-service.ts';

const isInstalled =
  spawnSync('faas-cli', ['version', '--short-version'], { stdio: 'ignore' }).error === undefined;

interface Outcome {
  readonly code: number | null;
  readonly text: string;
}

describe.skipIf(!isInstalled)(`faas-cli${isInstalled ? '' : ' (needs the program faas-cli)'}`, () => {
  let cache: string;
  let home: string;
  let service: RunningService;
  beforeAll(async () => {
    cache = await measuredCache();
    home = await mkdtemp(join(tmpdir(), 'infless-faas-cli-'));
    service = await RunningService.start({ credentials: CREDENTIALS });
  }, 60_000);
  afterAll(async () => {
    await service?.stop();
    for (const directory of [cache, home]) await rm(directory, { recursive: true, force: true });
  });

  function start(...args: readonly string[]): ChildProcess {
    return spawn('faas-cli', args, {
      cwd: home,
      env: { ...process.env, HOME: home, OPENFAAS_CONFIG: home, OPENFAAS_URL: service.url },
    });
  }

  async function run(input: string, ...args: readonly string[]): Promise<Outcome> {
    const child = start(...args);
    let text = '';
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
    }
    child.stdin!.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, text };
  }

  const cli = (...args: readonly string[]): Promise<Outcome> => run('', ...args);

  it('logs in with the right password only', async () => {
    expect(await run('wrong', 'login', '-u', CREDENTIALS.user, '--password-stdin')).toMatchObject({
      code: 1,
    });
    expect((await cli('list')).text).toContain('login');
    const login = await run(CREDENTIALS.password, 'login', '-u', CREDENTIALS.user, '--password-stdin');
    expect(login).toMatchObject({ code: 0, text: expect.stringContaining('credentials saved') });
  });

  it('tells versions and namespaces', async () => {
    const { code, text } = await cli('version', '--warn-update=false');
    expect([code, text]).toEqual([0, expect.stringMatching(/name: +infless\n orchestration: local/)]);
    expect(await cli('namespaces')).toMatchObject({ code: 0, text: expect.stringContaining('openfaas-fn') });
  });

  it('deploys with a secret, lists, describes, invokes, shows logs, and removes', async () => {
    expect(await cli('secret', 'create', 'token', '--from-literal', 's3cret')).toMatchObject({ code: 0 });
    expect((await cli('secret', 'create', 'token', '--from-literal', 'x')).text).toContain('already exists');
    expect((await cli('secret', 'list')).text).toContain('token');
    expect(await cli('secret', 'update', 'token', '--from-literal', 'y')).toMatchObject({ code: 0 });

    const deployment = ['deploy', '--image', 'mnist', '--name', 'digits', '--secret', 'token'];
    const options = ['--label', 'com.openfaas.scale.min=1', '--annotation', 'infless.io/slo-ms=500'];
    for (const _twice of [1, 2]) {
      const { code, text } = await cli(...deployment, ...options);
      expect([code, text]).toEqual([0, expect.stringContaining('Deployed. 202 Accepted.')]);
    }
    expect(await cli(...deployment, '--label', 'com.openfaas.scale.min=x')).toMatchObject({
      code: 1,
      text: expect.stringContaining('com.openfaas.scale.min is "x"'),
    });
    await service.untilReady('digits');

    expect((await cli('list', '--verbose')).text).toMatch(/^digits +\tmnist +\t0 +\t[1-9].*\t\t20\d\d-/m);
    const described = await cli('describe', 'digits');
    expect(described.text).toMatch(/Status: +Ready/);
    expect(described.text).toMatch(/infless.io\/slo-ms: 500[\s\S]*Secrets:\n - token\nUsage:/);
    expect(await cli('describe', 'nothing')).toMatchObject({ code: 1 });

    const prediction = await run(PICTURE, 'invoke', 'digits');
    expect(prediction).toMatchObject({ code: 0, text: expect.stringContaining('"predictions":[[') });
    expect(await run(PICTURE, 'invoke', 'digits', '--namespace', 'openfaas-fn')).toMatchObject(prediction);
    expect((await run(PICTURE, 'invoke', 'digits', '--async')).text).toContain('submitted asynchronously');

    const logs = await cli('logs', 'digits', '--tail=false', '--instance');
    expect([logs.code, logs.text]).toEqual([
      0,
      expect.stringMatching(/\(digits-[0-9a-f]+\) .*"msg":"ready"/),
    ]);
    const following = start('logs', 'digits', '--lines', '1');
    onTestFinished(() => void following.kill());
    const [line] = (await once(following.stdout!, 'data')) as [Buffer];
    expect(String(line)).toContain('"level":30');

    expect(await cli('remove', 'digits')).toMatchObject({ code: 0 });
    expect(await cli('remove', 'digits')).toMatchObject({ code: 1 });
    expect(await cli('secret', 'remove', 'token')).toMatchObject({ code: 0 });
    expect((await cli('list', '--quiet')).text).toBe('');
  });

  it("deploys a stack file of INFless' kind", async () => {
    await mkdir(join(home, 'template', 'python3-gpu'), { recursive: true });
    await writeFile(join(home, 'template', 'python3-gpu', 'template.yml'), 'language: python3-gpu\n');
    await writeFile(
      join(home, 'mnist.yml'),
      `version: 1.0
provider: {name: openfaas, gateway: ${JSON.stringify(service.url)}}
functions:
  mnist:
    lang: python3-gpu
    handler: ./mnist
    image: mnist:latest
    qpsPerInstance: 200
    limits: {memory: 1024Mi, gpu_memory: 0.1}
    requests: {memory: 1024Mi, gpu_memory: 0.1}
    labels:
      com.openfaas.max.batch: 32
    environment:
      MODEL_NAME: mnist
      MODEL_BASE_PATH: /home/app/function/models
`,
    );
    expect(await cli('deploy', '-f', 'mnist.yml')).toMatchObject({ code: 0 });
    expect(await service.status('mnist')).toMatchObject({
      sloMs: 200,
      declaration: { model: 'mnist', maxBatch: 32, labels: { 'com.openfaas.max.batch': '32' } },
    });
    expect(await cli('remove', '-f', 'mnist.yml')).toMatchObject({ code: 0 });
  });
});
