import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  LocalPlatform,
  LocalPlatformOptions,
} from '../../../../autoscaler/fleet/local/local-platform.ts';
import { identify, isAlive, signalProcess } from '../../../../autoscaler/fleet/local/process-identity.ts';
import type { InstanceEvent } from '../../../../autoscaler/fleet/platform.ts';
import { openQuotas } from '../../../../profiler/quota/quota.ts';
import { LocalHarness } from './local-harness.ts';

const OWNER_PROGRAM = join(dirname(fileURLToPath(import.meta.url)), 'local-platform-owner.mjs');
const isLinux = process.platform === 'linux';

let harness: LocalHarness;
let platform: LocalPlatform;
let events: InstanceEvent[];
const children: ChildProcess[] = [];

async function open(options: Partial<LocalPlatformOptions> = {}): Promise<void> {
  harness = await LocalHarness.open(options);
  await reopen();
}

async function reopen(): Promise<void> {
  events = [];
  platform = harness.create();
  await platform.open((event) => events.push(event));
}

function gone(id: string): Extract<InstanceEvent, { type: 'gone' }> | undefined {
  return events.find((event) => event.type === 'gone' && event.instance.id === id) as never;
}

function phase(id: string): string | undefined {
  return platform.instances().find((instance) => instance.id === id)?.phase;
}

async function startReady(id: string, change = {}): Promise<void> {
  await platform.start(harness.request(id, change));
  await harness.until(() => phase(id) === 'ready');
}

/** By default so many rows that they take about a second under a small quota. */
function predict(url: string, rows = 1500): Promise<Response> {
  const image = Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => [0.5]));
  const instances = Array.from({ length: rows }, () => image);
  return fetch(`${url}/v1/models/mnist:predict`, { method: 'POST', body: JSON.stringify({ instances }) });
}

/** An instance that takes requests of so many. */
function ofManyRows() {
  return { workload: { ...harness.workload, environment: { INFLESS_MAX_ROWS: '5000' } } };
}

async function requestsInFlight(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^infless_server_in_flight (\d+)$/m.exec(metrics)?.[1]);
}

/** A process that does nothing, and is no one's instance. */
async function startBystander(): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return child as ChildProcess & { readonly pid: number };
}

afterEach(async () => {
  await platform.close('stop');
  await harness.dispose();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe('an instance', { timeout: 30_000 }, () => {
  beforeEach(() => open());

  it('has its configuration from us, not from our own environment', async () => {
    process.env.INFLESS_MAX_BATCH = '77';
    try {
      await startReady('a', { config: { batch: 3, cpuMillicores: 700, gpuPercent: 0 } });
    } finally {
      delete process.env.INFLESS_MAX_BATCH;
    }
    const answer = await fetch(`${platform.instances()[0]!.url}/_/ready`);
    expect(await answer.json()).toMatchObject({ instance: 'a', maxBatch: 3, cpuMillicores: 700 });
  });

  it('finishes what is in flight when it is stopped', async () => {
    await startReady('a', { ...ofManyRows(), config: { batch: 32, cpuMillicores: 300, gpuPercent: 0 } });
    const { url } = platform.instances()[0]!;
    const answer = predict(url!);
    await harness.until(async () => (await requestsInFlight(url!)) === 1);
    await platform.stop('a', 10_000);
    expect(phase('a')).toBe('draining');
    expect((await answer).status).toBe(200);
    await harness.until(() => gone('a') !== undefined);
    expect(gone('a')).toMatchObject({ expected: true, reason: 'it was stopped' });
  });

  it('is killed when it takes longer to finish than it was given', async () => {
    await startReady('a');
    process.kill(await harness.pid('a'), 'SIGSTOP'); // from now on it can't even try
    await platform.stop('a', 200);
    await harness.until(() => gone('a') !== undefined);
    expect(gone('a')?.expected).toBe(true);
    expect(gone('a')?.reason).toContain('killed when it was not done after 200 ms');
  });

  it('is told to be killed by a signal when it was', async () => {
    await startReady('a');
    process.kill(await harness.pid('a'), 'SIGKILL');
    await harness.until(() => gone('a') !== undefined);
    expect(gone('a')).toMatchObject({
      expected: false,
      reason: expect.stringMatching(/^it was killed by SIGKILL/),
    });
    await harness.until(async () => !(await harness.leftovers()).some((it) => it.startsWith('quota')));
  });

  it('leaves its log to look into', async () => {
    await platform.start(harness.request('a', { workload: harness.broken.workload }));
    await harness.until(() => gone('a') !== undefined);
    expect(await readFile(join(harness.stateDirectory, 'instances', 'a.log'), 'utf8')).toMatch(
      /missing\.onnx/,
    );
  });

  it('needs an id that can be a file name', async () => {
    await expect(platform.start(harness.request('../escape'))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await harness.processes()).toEqual([]);
  });
});

describe('patience', { timeout: 30_000 }, () => {
  it('ends with an instance that does not become ready', async () => {
    await open({ startTimeoutMs: 30 });
    await platform.start(harness.request('a'));
    await harness.until(() => gone('a') !== undefined);
    expect(gone('a')).toMatchObject({
      expected: false,
      reason: expect.stringMatching(/^it was not ready within 30 ms/),
    });
    await harness.until(async () => (await harness.processes()).length === 0);
  });

  it('ends with an instance that hangs', async () => {
    await open({ unreadyMs: 1_500 });
    await startReady('a');
    process.kill(await harness.pid('a'), 'SIGSTOP');
    await harness.until(() => gone('a') !== undefined);
    expect(gone('a')).toMatchObject({
      expected: false,
      reason: expect.stringMatching(/^it gave no answer for 1.50 s/),
    });
    await harness.until(async () => (await harness.processes()).length === 0);
  });
});

describe.skipIf(!isLinux)('the life after a crash (needs /proc)', { timeout: 30_000 }, () => {
  beforeEach(() => open());

  /** Lets another process own the state folder until it has said `word`, then kills it. */
  async function crashOwnerAfter(word: 'started' | 'ready'): Promise<void> {
    await platform.close('leave');
    const owner = spawn(
      process.execPath,
      [OWNER_PROGRAM, harness.stateDirectory, JSON.stringify(harness.request('a'))],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    children.push(owner);
    let said = '';
    for await (const chunk of owner.stdout!) {
      said += chunk;
      if (said.includes(word)) break;
    }
    const exit = once(owner, 'exit');
    owner.kill('SIGKILL');
    await exit;
  }

  it.each([0, 15, 40])(
    'opens after a crash %i ms into a start, and leaves nothing of it',
    async (afterMs) => {
      await platform.close('leave');
      const owner = spawn(
        process.execPath,
        [OWNER_PROGRAM, harness.stateDirectory, JSON.stringify(harness.request('a'))],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      );
      children.push(owner);
      await harness.until(async () => (await harness.processes()).length > 0);
      await sleep(afterMs);
      owner.kill('SIGKILL');
      await once(owner, 'exit');
      await reopen();
      await harness.until(async () => (await harness.processes()).length === 0);
      await startReady('b');
      await platform.close('stop');
      expect(await harness.leftovers()).toEqual([]);
    },
  );

  it('adopts at once what the crashed autoscaler had running', async () => {
    await crashOwnerAfter('ready');
    const [pid] = await harness.processes();
    await reopen();
    expect(phase('a')).toBe('ready');
    expect(await harness.pid('a')).toBe(pid);
    expect((await platform.usage('a'))!.cpuMs).toBeGreaterThan(10);
    await platform.stop('a', 5_000);
    await harness.until(() => gone('a') !== undefined);
    expect(gone('a')?.expected).toBe(true);
    await platform.close('stop');
    expect(await harness.leftovers()).toEqual([]);
  });

  it('ends what was only half started', async () => {
    await crashOwnerAfter('started');
    await reopen();
    // It may just have begun to listen, and then it is as good as any other.
    if (platform.instances().length === 0) expect(await harness.leftovers()).toEqual(['autoscaler.pid']);
    else await harness.until(() => phase('a') === 'ready');
  });

  it('ends what runs under a quota of ours without a record', async (ctx) => {
    ctx.skip(!platform.quotas.mechanism.startsWith('cgroup'), 'only cgroups tell which processes are ours');
    await crashOwnerAfter('ready');
    await rm(harness.recordFile('a'));
    await reopen();
    expect(platform.instances()).toEqual([]);
    expect(await harness.leftovers()).toEqual(['autoscaler.pid']);
  });

  it('lets an instance finish that was told to end before', async () => {
    await startReady('a', { ...ofManyRows(), config: { batch: 32, cpuMillicores: 300, gpuPercent: 0 } });
    const { url } = platform.instances()[0]!;
    const answer = predict(url!, 4500); // longer than a busy machine takes to close and to open again
    await harness.until(async () => (await requestsInFlight(url!)) === 1);
    process.kill(await harness.pid('a'), 'SIGTERM');
    await harness.until(async () => (await fetch(`${url}/_/ready`)).status === 503);
    await platform.close('leave');
    await reopen();
    expect(phase('a')).toBe('draining');
    expect((await answer).status).toBe(200);
    await harness.until(() => gone('a') !== undefined);
    expect(gone('a')?.expected).toBe(true);
  });

  it('does not touch a process that was given the pid of an instance', async () => {
    await startReady('a');
    const record = JSON.parse(await readFile(harness.recordFile('a'), 'utf8'));
    await platform.close('stop');
    const bystander = await startBystander();
    const stale = { ...record, process: { ...record.process, pid: bystander.pid } };
    await writeFile(harness.recordFile('a'), JSON.stringify(stale));
    await reopen();
    expect(platform.instances()).toEqual([]);
    expect(await isAlive(await identify(bystander.pid))).toBe(true);
    await expect(readFile(harness.recordFile('a'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('does not adopt a process that answers for another instance', async () => {
    await startReady('a');
    const record = JSON.parse(await readFile(harness.recordFile('a'), 'utf8'));
    await platform.close('leave');
    await rm(harness.recordFile('a'));
    await writeFile(harness.recordFile('b'), JSON.stringify({ ...record, id: 'b' }));
    await reopen();
    expect(platform.instances()).toEqual([]);
    expect(await harness.processes()).toEqual([]);
  });

  it('clears away what it was writing when it was killed', async () => {
    await platform.close('leave');
    await mkdir(dirname(harness.recordFile('a')), { recursive: true });
    await writeFile(`${harness.recordFile('a')}.2453223531`, '{"half":');
    await writeFile(join(harness.stateDirectory, 'functions.json.1234567'), '{"half":');
    await reopen();
    expect(await harness.leftovers()).toEqual(['autoscaler.pid']);
  });

  it('clears away records that cannot be read', async () => {
    await platform.close('leave');
    await mkdir(dirname(harness.recordFile('a')), { recursive: true });
    await writeFile(harness.recordFile('a'), '{"half":');
    await reopen();
    expect(platform.instances()).toEqual([]);
    expect(await harness.leftovers()).toEqual(['autoscaler.pid']);
  });
});

describe('an instance that nobody looks after', { timeout: 30_000 }, () => {
  it('ends by itself, and not while somebody does', async () => {
    await open({ orphanMs: 2_000 });
    await startReady('a');
    await sleep(3_000);
    expect(phase('a')).toBe('ready');
    await platform.close('leave');
    expect(await harness.processes()).toHaveLength(1);
    await harness.until(async () => (await harness.processes()).length === 0);
    await reopen();
    // its record and quota are cleared away late
    expect(await harness.leftovers()).toEqual(['autoscaler.pid']);
  });
});

describe('without the privilege for quotas', { timeout: 30_000 }, () => {
  it('runs instances all the same, and says that nothing is held', async () => {
    await open({ quotas: await openQuotas({ mechanism: 'threads' }) });
    expect(platform.quotas.mechanism).toBe('threads');
    await startReady('a');
    expect((await platform.usage('a'))!.cpuMs).toBeGreaterThan(10);
    await platform.close('leave');
    await reopen();
    expect(phase('a')).toBe('ready');
    await platform.close('stop');
    expect(await harness.leftovers()).toEqual([]);
  });
});

describe('a state folder', { timeout: 30_000 }, () => {
  beforeEach(() => open());

  it('belongs to one autoscaler at a time', async () => {
    const second = harness.create();
    await expect(second.open(() => {})).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      sentence: expect.stringMatching(/is in use by another autoscaler \(process \d+\)\. Stop that one/),
    });
    await second.close('leave');
    // the loser has not let others in
    await expect(harness.create().open(() => {})).rejects.toThrow('in use');
  });

  it('is free again after its autoscaler has closed', async () => {
    await platform.close('leave');
    await reopen();
    expect(platform.instances()).toEqual([]);
  });
});

describe.skipIf(!isLinux)('process identity (needs /proc)', () => {
  beforeEach(() => open());

  it('tells a process from another with the same pid', async () => {
    const bystander = await startBystander();
    const identity = await identify(bystander.pid);
    const earlier = { ...identity, startTicks: identity.startTicks! - 1 };
    const otherBoot = { ...identity, bootId: '00000000-0000-0000-0000-000000000000' };
    expect(await isAlive(identity)).toBe(true);
    for (const stranger of [earlier, otherBoot]) {
      expect(await isAlive(stranger)).toBe(false);
      await signalProcess(stranger, 'SIGKILL');
    }
    expect(await isAlive(identity)).toBe(true);
    await signalProcess(identity, 'SIGKILL');
    await once(bystander, 'exit');
    expect(await isAlive(identity)).toBe(false);
  });
});
