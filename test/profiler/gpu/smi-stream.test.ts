import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { parseComputeApps, readComputeApps } from '../../../profiler/gpu/compute-apps.ts';
import { type GpuSample, parseSample, SmiStream } from '../../../profiler/gpu/smi-stream.ts';
import { FakeGpu } from '../../support/fake-gpu.ts';

const FIELDS = [
  'usedMemoryBytes',
  'powerWatts',
  'powerLimitWatts',
  'utilizationPercent',
  'smClockMhz',
  'memoryClockMhz',
  'throttleBits',
] as const;

async function firstSamples(stream: SmiStream): Promise<readonly GpuSample[]> {
  for (let waited = 0; waited < 8000; waited += 20) {
    const samples = stream.between(0, Number.POSITIVE_INFINITY);
    if (samples.length >= 2) return samples;
    await sleep(20);
  }
  return [];
}

describe('a line of nvidia-smi --query-gpu', () => {
  it('is a sample', () => {
    const line = '2026/11/27 14:08:06.693, 1034, 312.44, 700.00, 87, 1980, 2619, 0x0000000000000004';
    expect(parseSample(line, FIELDS)).toEqual({
      atMs: new Date(2026, 10, 27, 14, 8, 6, 693).getTime(),
      usedMemoryBytes: 1034 * 2 ** 20,
      powerWatts: 312.44,
      powerLimitWatts: 700,
      utilizationPercent: 87,
      smClockMhz: 1980,
      memoryClockMhz: 2619,
      throttleBits: 4,
    });
  });

  it('says in its own words what it does not know', () => {
    const line =
      '2026/11/27 14:08:06.693, [N/A], [Not Supported], [Unknown Error], N/A, ERR!, [GPU requires reset], Not Active';
    expect(parseSample(line, FIELDS)).toMatchObject({
      usedMemoryBytes: null,
      powerWatts: null,
      utilizationPercent: null,
      throttleBits: null,
    });
  });

  it.each([
    '',
    'Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.',
    '2026/11/27 14:08:06.693, 1',
  ])('is no sample: %s', (line) => {
    expect(parseSample(line, FIELDS)).toBeUndefined();
  });
});

describe('a stream of nvidia-smi', () => {
  it('goes on until it is closed, with one program', async () => {
    const fake = await FakeGpu.open('t4-515');
    await fake.stream('1034, 312.44, 700.00, 87, 1980, 2619, 0x0');
    const stream = SmiStream.start('GPU-a');
    const [first, second] = await firstSamples(stream);
    stream.close();
    expect(first).toMatchObject({ usedMemoryBytes: 1034 * 2 ** 20, smClockMhz: 1980 });
    expect(second!.atMs).toBeGreaterThan(first!.atMs);
    const calls = await fake.calls();
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(/--format=csv,noheader,nounits --id=GPU-a -lms \d+$/);
    await fake.stream(undefined);
  });

  it('asks again without what a driver does not know, or by its older name', async () => {
    const fake = await FakeGpu.open('t4-515');
    await fake.refuse('clocks_event_reasons.active');
    await fake.stream('1034, 312.44, 700.00, 87, 1980, 2619, 0x8');
    const stream = SmiStream.start('GPU-a');
    expect((await firstSamples(stream))[0]).toMatchObject({ throttleBits: 8 });
    stream.close();
    expect((await fake.calls())[1]).toContain('clocks_throttle_reasons.active');
    await fake.stream(undefined);
  });

  it('has no samples where there is no driver, and ends with one that goes', async () => {
    const fake = await FakeGpu.open('t4-515');
    const stream = SmiStream.start('GPU-a'); // its stream ends at once
    await sleep(300);
    expect(stream.between(0, Number.POSITIVE_INFINITY)).toEqual([]);
    expect(await fake.calls()).toHaveLength(1);
    stream.close();
  });
});

describe('processes on a card', () => {
  it('are read with their memory, where that is told', () => {
    const text = 'GPU-a, 4711, 700, /usr/bin/node\nGPU-b, 12, [N/A], [Not Found]\n';
    expect(parseComputeApps(text)).toEqual([
      { gpuUuid: 'GPU-a', pid: 4711, name: '/usr/bin/node', usedMemoryBytes: 700 * 2 ** 20 },
      { gpuUuid: 'GPU-b', pid: 12, name: '[Not Found]', usedMemoryBytes: null },
    ]);
    expect(parseComputeApps('')).toEqual([]);
    expect(parseComputeApps('No running processes found')).toEqual([]);
  });

  it('are unknown where the driver does not answer', async () => {
    await FakeGpu.open();
    expect(await readComputeApps()).toBeUndefined();
  });
});
