import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { programFile } from '../../../models/base/package.ts';
import { processCpuMs } from '../../../models/base/process-stat.ts';
import { availableCpuMillicores } from '../../../profiler/quota/cpu-limit.ts';
import { openQuotas } from '../../../profiler/quota/quota.ts';

const quotas = await openQuotas();
const isHeld = quotas.mechanism.startsWith('cgroup');
const hasTaskset = await openQuotas({ mechanism: 'affinity' }).then(
  () => true,
  () => false,
);
const name = (purpose: string): string => `test-${process.pid}-${purpose}`;

const children: ChildProcess[] = [];

/** A process that takes all the CPU it gets on so many threads. */
async function startBusy(threads = 1): Promise<ChildProcess & { readonly pid: number }> {
  const loop = 'for (;;);';
  const source = `const { Worker } = require('node:worker_threads');
    for (let i = 1; i < ${threads}; i++) new Worker(${JSON.stringify(loop)}, { eval: true });
    setTimeout(() => { console.log('busy'); setTimeout(() => { ${loop} }, 1); }, 100);`;
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout!, 'data');
  return child as ChildProcess & { readonly pid: number };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

afterEach(async () => {
  await Promise.all(children.splice(0).map(end));
  for (const left of await quotas.list()) {
    if (left.startsWith(`test-${process.pid}-`)) await (await quotas.adopt(left))?.remove();
  }
});

describe('openQuotas', () => {
  it('says why it took a weak mechanism, and nothing when the quota is real', () => {
    if (isHeld) expect(quotas.weaknessReason).toBeUndefined();
    else expect(quotas.weaknessReason).toMatch(/cgroup-v1: .*/);
  });

  it('refuses a mechanism that cannot be had, with the reason and a way out', async (ctx) => {
    ctx.skip(quotas.mechanism === 'cgroup-v2', 'cgroup v2 works here');
    await expect(openQuotas({ mechanism: 'cgroup-v2' })).rejects.toMatchObject({
      code: 'PLATFORM_FAILED',
      message: expect.stringContaining('cgroup-v2: '),
      remedy: expect.stringContaining('root'),
    });
  });

  it('refuses a period that the kernel would refuse', async () => {
    await expect(openQuotas({ periodMicros: 500 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('is not in its own way, and leaves nothing of its probes', async () => {
    const opened = await Promise.all([1, 2, 3].map(() => openQuotas()));
    expect(opened.map(({ mechanism }) => mechanism)).toEqual(Array(3).fill(quotas.mechanism));
    await expect.poll(async () => (await quotas.list()).filter((it) => it.startsWith('probe-'))).toEqual([]);
  });
});

describe.skipIf(!isHeld)(`a quota that the kernel holds (needs a writable cgroup)`, () => {
  /** What a process that wants two cores gets in a second. */
  async function measure(cpuMillicores: number) {
    const quota = await quotas.create(name(`measured-${cpuMillicores}`), cpuMillicores);
    const busy = await startBusy(2);
    await quota.attach(busy.pid);
    const before = (await quota.stat())!;
    const startedAt = performance.now();
    await sleep(1_000);
    const after = (await quota.stat())!;
    return {
      periodMicros: quota.periodMicros,
      cores: (after.cpuMs - before.cpuMs) / (performance.now() - startedAt),
      periods: after.periods - before.periods,
      throttledPeriods: after.throttledPeriods - before.throttledPeriods,
      throttledMs: after.throttledMs - before.throttledMs,
    };
  }

  it('gives a busy process half a core, and counts the CPU time', async () => {
    const { periodMicros, cores, periods } = await measure(500);
    expect(periodMicros).toBe(10_000);
    expect(cores).toBeLessThan(0.56);
    expect(cores).toBeGreaterThan(0.2); // loose from below: what else runs on this machine may take CPU away
    expect(periods).toBeGreaterThan(80);
  });

  it('tells how it was throttled', async () => {
    // So little that it is used up every period, however busy the machine is otherwise.
    const { cores, periods, throttledPeriods, throttledMs } = await measure(50);
    expect(cores).toBeLessThan(0.08);
    expect(throttledPeriods).toBeGreaterThan(periods / 3);
    expect(throttledMs).toBeGreaterThan(100);
  });

  it('tells the period in force where the preferred one would be refused', async () => {
    const quota = await quotas.create(name('tiny'), 20);
    expect(quota.periodMicros).toBe(50_000);
    expect((await quotas.adopt(name('tiny')))?.periodMicros).toBe(50_000);
  });

  it('counts what processes used that have ended', async () => {
    const quota = await quotas.create(name('ended'), 1000);
    const busy = await startBusy();
    await quota.attach(busy.pid);
    await sleep(200);
    await end(busy);
    expect((await quota.stat())!.cpuMs).toBeGreaterThan(40);
    expect(await quota.processes()).toEqual([]);
  });

  it('is found by the next life of a program', async () => {
    const quota = await quotas.create(name('lasting'), 700);
    const busy = await startBusy();
    await quota.attach(busy.pid);

    const later = await openQuotas({ mechanism: quotas.mechanism });
    expect(await later.list()).toContain(quota.name);
    const adopted = (await later.adopt(quota.name))!;
    expect(await adopted.processes()).toEqual([busy.pid]);
    expect(adopted.periodMicros).toBe(10_000);
    await sleep(100);
    expect((await adopted.stat())!.cpuMs).toBeGreaterThan(20);
    await end(busy);
    await adopted.remove();
    expect(await later.adopt(quota.name)).toBeUndefined();
  });

  it('is not taken over while a process runs under it, but after', async () => {
    const quota = await quotas.create(name('taken'), 500);
    const busy = await startBusy();
    await quota.attach(busy.pid);
    await expect(quotas.create(name('taken'), 500)).rejects.toMatchObject({
      code: 'PLATFORM_FAILED',
      message: expect.stringContaining(`in use by process ${busy.pid}`),
    });
    await end(busy);
    await expect(quotas.create(name('taken'), 300)).resolves.toMatchObject({ name: name('taken') });
  });

  it('cannot be removed from under a process, and can be removed twice', async () => {
    const quota = await quotas.create(name('removed'), 500);
    const busy = await startBusy();
    await quota.attach(busy.pid);
    await expect(quota.remove()).rejects.toThrow(`process ${busy.pid} still runs in it`);
    await end(busy);
    await quota.remove();
    await quota.remove();
    expect(await quota.stat()).toBeNull();
    expect(await quotas.list()).not.toContain(quota.name);
  });

  it('says so when the process has ended', async () => {
    const quota = await quotas.create(name('late'), 500);
    const busy = await startBusy();
    await end(busy);
    await expect(quota.attach(busy.pid)).rejects.toThrow(
      `Process ${busy.pid} cannot be put under a CPU quota`,
    );
  });
});

describe.skipIf(!hasTaskset || availableParallelism() < 2)('affinity (needs taskset and two cores)', () => {
  it('holds all threads of a process to whole cores and claims nothing more', async () => {
    const affinity = await openQuotas({ mechanism: 'affinity' });
    const quota = await affinity.create(name('pinned'), 500);
    const busy = await startBusy(2);
    await quota.attach(busy.pid);
    const before = (await processCpuMs(busy.pid))!;
    const startedAt = performance.now();
    await sleep(500);
    const cores = ((await processCpuMs(busy.pid))! - before) / (performance.now() - startedAt);
    expect(cores).toBeLessThan(1.1); // unpinned, its two threads would take two
    expect(quota).toMatchObject({ mechanism: 'affinity', periodMicros: null });
    expect(await quota.stat()).toBeNull();
    expect(affinity.weaknessReason).toBeUndefined();
  });
});

describe('availableCpuMillicores', () => {
  it('is at most the cores of this machine', async () => {
    const millicores = await availableCpuMillicores();
    expect(millicores).toBeGreaterThan(0);
    expect(millicores).toBeLessThanOrEqual(availableParallelism() * 1000);
  });

  it.skipIf(!isHeld)('is less under a quota around us (needs a writable cgroup)', async () => {
    const quota = await quotas.create(name('around'), 700);
    const program = `await import(${JSON.stringify(programFile('profiler/quota/cpu-limit'))})
      .then(async (it) => { for await (const _ of process.stdin); console.log(await it.availableCpuMillicores()); });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    children.push(child);
    await quota.attach(child.pid!);
    child.stdin.end();
    const [answer] = (await once(child.stdout, 'data')) as [Buffer];
    expect(Number(answer.toString())).toBe(700);
  });
});
