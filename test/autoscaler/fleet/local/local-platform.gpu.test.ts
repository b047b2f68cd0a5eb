import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type {
  LocalPlatform,
  LocalPlatformOptions,
} from '../../../../autoscaler/fleet/local/local-platform.ts';
import type { InstanceEvent, StartRequest } from '../../../../autoscaler/fleet/platform.ts';
import { FakeGpu } from '../../../support/fake-gpu.ts';
import { resourcesOf } from '../../../support/resources.ts';
import { LocalHarness } from './local-harness.ts';

const T4 = 'GPU-d37e67a5-91dd-3774-a5cb-99096249601a';
const QUARTER = { config: { batch: 4, cpuMillicores: 500, gpuPercent: 25 }, gpu: 0 };

/** So much of the GPU's memory. */
function holding(gpuMemoryBytes: number): Pick<StartRequest, 'resources'> {
  return { resources: resourcesOf(QUARTER.config, 256 * 2 ** 20, gpuMemoryBytes) };
}

let harness: LocalHarness;
let platform: LocalPlatform;
let events: InstanceEvent[];

/** On a machine with a card that the engine can use, as far as the platform is told. */
async function open(options: Partial<LocalPlatformOptions> = {}): Promise<void> {
  harness = await LocalHarness.open({ tryEngine: async () => ({ name: 'cuda' }), ...options });
  events = [];
  platform = harness.create();
  await platform.open((event) => events.push(event));
}

afterEach(async () => {
  await platform.close('stop');
  await harness.dispose();
});

describe.skipIf(process.platform !== 'linux')(
  'a GPU on the local platform (needs /proc)',
  { timeout: 60_000 },
  () => {
    it('is part of the node, and instances start with their shares of it', async () => {
      const fake = await FakeGpu.open('t4-515');
      await open();
      const [card] = (await platform.nodes())[0]!.devices;
      expect(card).toMatchObject({ gpuPercent: 100, sharing: 'mps' });
      await platform.start(harness.request('a', { ...QUARTER, ...holding(2 ** 30) }));
      expect(platform.instances()[0]).toMatchObject({ id: 'a', gpu: 0, config: { gpuPercent: 25 } });
      const environment = await readFile(`/proc/${await harness.pid('a')}/environ`, 'utf8');
      expect(environment.split('\0')).toEqual(
        expect.arrayContaining([
          `CUDA_VISIBLE_DEVICES=${T4}`,
          'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=25',
          'CUDA_MPS_PINNED_DEVICE_MEM_LIMIT=0=2048M',
          'INFLESS_GPU_PERCENT=25',
        ]),
      );
      await platform.close('stop');
      expect(await fake.calls()).toContain('mps quit');
    });

    it('that the engine cannot use ends an instance with the reason', async ({ skip }) => {
      if (process.arch !== 'x64') skip('the binding names no cuda here');
      await FakeGpu.open('t4-515');
      await open();
      await platform.start(harness.request('a', QUARTER));
      const gone = (): InstanceEvent | undefined => events.find(({ type }) => type === 'gone');
      await harness.until(() => gone() !== undefined, 40_000);
      expect(gone()).toMatchObject({
        expected: false,
        reason: expect.stringMatching(/exited with code 4: .*The cuda provider/),
      });
    });

    it('refuses what does not fit into its memory, and is not used where that is asked for', async () => {
      await FakeGpu.open('t4-515');
      await open();
      await expect(
        platform.start(harness.request('a', { ...QUARTER, ...holding(20 * 2 ** 30) })),
      ).rejects.toThrow('The GPU has too little memory');
      expect(platform.instances()).toEqual([]);
      await platform.close('stop');
      await harness.dispose();
      await open({ useGpus: false });
      expect((await platform.nodes())[0]!.devices).toEqual([]);
      await expect(platform.start(harness.request('b', QUARTER))).rejects.toMatchObject({
        sentence: expect.stringContaining('--no-gpu'),
      });
    });

    it('keeps its daemon for instances that outlive the autoscaler', async () => {
      const fake = await FakeGpu.open('t4-515');
      await open();
      await platform.start(
        harness.request('a', { ...QUARTER, config: { ...QUARTER.config, gpuPercent: 25 } }),
      );
      await harness.until(
        async () => JSON.parse(await readFile(harness.recordFile('a'), 'utf8')).port !== null,
      );
      process.kill(await harness.pid('a'), 'SIGSTOP'); // or it would find out that there is no card
      await platform.close('leave');
      expect(await fake.calls()).not.toContain('mps quit');
      process.kill(-(await harness.pid('a')), 'SIGKILL');
      await harness.until(async () => (await harness.processes()).length === 0);
      platform = harness.create();
      await platform.open(() => {});
      await platform.close('stop');
    });
  },
);
