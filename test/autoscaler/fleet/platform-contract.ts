import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Instance } from '../../../autoscaler/cluster/instance.ts';
import type { InstanceEvent, Platform, StartRequest } from '../../../autoscaler/fleet/platform.ts';
import type { Workload } from '../../../autoscaler/functions/deployment.ts';
import { resourcesOf } from '../../support/resources.ts';

/**
 * What a platform must offer to be put to the contract: itself, and ways to see and do what it can't know of.
 */
export interface PlatformHarness {
  /** A platform, not opened yet. Each one is the next life on the same state. */
  create(): Platform;
  /** Runs, and becomes ready. */
  readonly workload: Workload;
  /** Never becomes ready; and what its `gone` event says of that. */
  readonly broken: { readonly workload: Workload; readonly reason: RegExp };
  /** Ends an instance behind the platform's back. */
  crash(instance: Instance): Promise<void>;
  /** Everything of instances that exists outside of the platform's own memory: processes, pods, quotas. */
  leftovers(): Promise<readonly string[]>;
  /** Lets time pass, real or virtual, until the condition holds; fails when it never does. */
  until(condition: () => boolean): Promise<void>;
  /** Lets time pass, real or virtual, until a promise settles, and gives what it gave. */
  finish<T>(promise: Promise<T>): Promise<T>;
  /** Whether {@link Platform.usage} can tell anything here. */
  readonly tellsUsage: boolean;
  dispose(): Promise<void>;
}

/** One life of a platform and everything it told. */
class Life {
  readonly events: InstanceEvent[] = [];
  readonly platform: Platform;

  constructor(platform: Platform) {
    this.platform = platform;
  }

  async open(): Promise<this> {
    await this.platform.open((event) => this.events.push(event));
    return this;
  }

  of(id: string): InstanceEvent[] {
    return this.events.filter(({ instance }) => instance.id === id);
  }

  phasesOf(id: string): string[] {
    return this.of(id).map((event) => (event.type === 'gone' ? 'gone' : event.instance.phase));
  }

  goneOf(id: string): Extract<InstanceEvent, { type: 'gone' }> | undefined {
    return this.of(id).find((event) => event.type === 'gone');
  }

  instance(id: string): Instance | undefined {
    return this.platform.instances().find((it) => it.id === id);
  }
}

/**
 * What every platform promises (see `Platform`), checked with the real thing.
 *
 * @param open a harness of its own for each test.
 */
export function describePlatform(
  name: string,
  open: () => Promise<PlatformHarness>,
  timeoutMs = 30_000,
): void {
  describe(`${name} as a platform`, { timeout: timeoutMs }, () => {
    let harness: PlatformHarness;
    let life: Life;

    beforeEach(async () => {
      harness = await open();
      life = await new Life(harness.create()).open();
    });
    afterEach(async () => {
      await harness.finish(life.platform.close('stop'));
      await harness.dispose();
    });

    async function request(id: string, change: Partial<StartRequest> = {}): Promise<StartRequest> {
      const [node] = await life.platform.nodes();
      const { config = { batch: 4, cpuMillicores: 1000, gpuPercent: 0 } } = change;
      return {
        id,
        functionName: 'greeter',
        config,
        resources: resourcesOf(config, 256 * 2 ** 20),
        node: node!.name,
        workload: harness.workload,
        ...change,
      };
    }

    async function startReady(id: string): Promise<Instance> {
      await life.platform.start(await request(id));
      await harness.until(() => life.instance(id)?.phase === 'ready' || life.goneOf(id) !== undefined);
      expect(life.goneOf(id)).toBeUndefined();
      return life.instance(id)!;
    }

    it('has nodes with something to give', async () => {
      const nodes = await life.platform.nodes();
      expect(nodes.length).toBeGreaterThan(0);
      expect(new Set(nodes.map((node) => node.name)).size).toBe(nodes.length);
      for (const node of nodes) {
        expect(node.shared.cpuMillicores).toBeGreaterThan(0);
        expect(node.shared.memoryBytes).toBeGreaterThan(0);
      }
    });

    it('takes an instance from start to ready to gone', async () => {
      const asked = await request('a');
      await life.platform.start(asked);
      expect(life.instance('a')).toMatchObject({ id: 'a', functionName: 'greeter' });
      expect(life.of('a')[0]).toMatchObject({ type: 'changed', instance: { phase: 'starting' } });

      await harness.until(() => life.instance('a')?.phase === 'ready');
      const ready = life.instance('a')!;
      expect(ready).toMatchObject({
        functionName: asked.functionName,
        version: asked.workload.version,
        config: asked.config,
        node: asked.node,
        url: expect.any(String),
      });
      expect(ready.readyAtMs).toBeGreaterThanOrEqual(ready.startedAtMs);

      await life.platform.stop('a', 5_000);
      await harness.until(() => life.goneOf('a') !== undefined);
      expect(life.goneOf('a')).toMatchObject({ expected: true, reason: expect.stringMatching(/./) });
      expect(life.instance('a')).toBeUndefined();
      expect(new Set(life.phasesOf('a'))).toEqual(new Set(['starting', 'ready', 'draining', 'gone']));
      expect(life.phasesOf('a').at(-1)).toBe('gone');
    });

    it('runs instances beside each other', async () => {
      const ids = ['a', 'b', 'c'];
      for (const id of ids) await life.platform.start(await request(id));
      await harness.until(() => ids.every((id) => life.instance(id)?.phase === 'ready'));
      expect(new Set(life.platform.instances().map(({ url }) => url)).size).toBe(3);
    });

    it('stops an instance that is still starting', async () => {
      await life.platform.start(await request('a'));
      await life.platform.stop('a', 5_000);
      await harness.until(() => life.goneOf('a') !== undefined);
      expect(life.goneOf('a')?.expected).toBe(true);
    });

    it('tells of an end only once, however often it is asked for', async () => {
      await startReady('a');
      await Promise.all([life.platform.stop('a', 5_000), life.platform.stop('a', 5_000)]);
      await harness.until(() => life.goneOf('a') !== undefined);
      await life.platform.stop('a', 5_000);
      await life.platform.stop('never-there', 5_000);
      expect(life.phasesOf('a').filter((phase) => phase === 'gone')).toHaveLength(1);
      expect(life.phasesOf('a').filter((phase) => phase === 'draining')).toHaveLength(1);
      expect(life.of('never-there')).toEqual([]);
    });

    it('refuses an id in use and a node that is not there', async () => {
      const asked = await request('a');
      await life.platform.start(asked);
      await expect(life.platform.start(asked)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await expect(life.platform.start(await request('b', { node: 'nowhere' }))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringContaining('nowhere'),
      });
      expect(life.platform.instances()).toHaveLength(1);
    });

    it('tells of an instance that ended by itself', async () => {
      await harness.crash(await startReady('a'));
      await harness.until(() => life.goneOf('a') !== undefined);
      expect(life.goneOf('a')).toMatchObject({ expected: false, reason: expect.stringMatching(/./) });
      expect(life.platform.instances()).toEqual([]);
    });

    it('tells why an instance never became ready', async () => {
      await life.platform.start(await request('a', { workload: harness.broken.workload }));
      await harness.until(() => life.goneOf('a') !== undefined);
      expect(life.goneOf('a')).toMatchObject({
        expected: false,
        reason: expect.stringMatching(harness.broken.reason),
      });
      expect(life.phasesOf('a')).not.toContain('ready');
    });

    it('leaves instances to the next life, which adopts them', async () => {
      const before = await startReady('a');
      await life.platform.close('leave');
      const toldBefore = life.events.length;

      const firstLife = life;
      life = await new Life(harness.create()).open();
      await harness.until(() => life.instance('a')?.phase === 'ready');
      expect(life.instance('a')).toEqual(before);
      expect(life.phasesOf('a')).toContain('ready');
      expect(firstLife.events).toHaveLength(toldBefore);

      await harness.crash(life.instance('a')!);
      await harness.until(() => life.goneOf('a') !== undefined);
      expect(life.goneOf('a')?.expected).toBe(false);
    });

    it('stops all when it closes for good, and leaves nothing behind', async () => {
      await startReady('a');
      await life.platform.start(await request('b'));
      await harness.finish(life.platform.close('stop'));
      expect(life.goneOf('a')?.expected).toBe(true);
      expect(life.goneOf('b')?.expected).toBe(true);
      expect(await harness.leftovers()).toEqual([]);
    });

    it('tells what an instance uses while it lives', async (ctx) => {
      ctx.skip(!harness.tellsUsage, 'this platform cannot tell');
      await startReady('a');
      const usage = await life.platform.usage('a');
      expect(usage?.cpuMs).toBeGreaterThan(0);
      expect(usage?.memoryBytes).toBeGreaterThan(0);
      await life.platform.stop('a', 0);
      await harness.until(() => life.goneOf('a') !== undefined);
      expect(await life.platform.usage('a')).toBeUndefined();
    });
  });
}
