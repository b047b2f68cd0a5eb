import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STEP_LETTERS } from '../../../../autoscaler/gpu-proof/plan.ts';
import { expectSentence, ProofRun, SENTENCE_MS, TABLE } from '../proof-run.ts';

const linux = process.platform === 'linux';

describe.skipIf(!linux)('a proof with the card played by recorded outputs and the CPU', () => {
  it('walks all steps, one line and one entry each', async () => {
    const run = await ProofRun.replay([]);
    const code = await run.exited();
    const report = await run.report();
    expect(run.stderr).toBe('');
    expect(Object.keys(report!.steps)).toEqual([...STEP_LETTERS]);
    expect(run.stdout.split('\n').filter((line) => line !== '')).toHaveLength(STEP_LETTERS.length);
    const outcomes = Object.fromEntries(
      Object.entries(report!.steps).map(([key, step]) => [key, step.outcome]),
    );
    // The CPU is no card that two could share, and without the provider's package the libraries cannot be
    // told.
    expect(outcomes).toMatchObject({
      c: 'passed',
      f: 'passed',
      d: 'passed',
      e: 'passed',
      i: 'passed',
      a: 'passed',
    });
    expect(report!.steps.f!.sentence).toMatch(/held-out cells off by \d+\.\d % in the median/);
    // The replay plans anew for each other shape, as cuDNN does: what serves does not.
    const sameAndAlternating = /same (\S+) ms, alternating (\S+) ms \((\S+) times/g;
    const times = [...report!.steps.d!.sentence.matchAll(sameAndAlternating)].map(([, , , found]) =>
      Number(found),
    );
    expect(times).toHaveLength(2);
    expect(times[0]).toBeGreaterThan(2);
    expect(times[1]).toBeLessThan(2);
    expect([0, 1]).toContain(code);
    expect(await run.leftAfter(0)).toEqual([]);
  }, 180_000);

  it('can be replayed from what it has kept', async () => {
    const first = await ProofRun.replay(['--steps', 'a'], {}, 'h200');
    expect(await first.exited()).toBe(0);
    const again = await ProofRun.start(['--steps', 'a', '--replay', first.out], {});
    expect(await again.exited()).toBe(0);
    expect((await again.report())!.steps.a!.sentence).toMatch(
      /^NVIDIA H200, driver 580\.159\.04, CUDA 13\.0, Default, MIG off, MPS programs; /,
    );
  });

  it.each<[string, object, string, RegExp]>([
    [
      'the driver hangs',
      { smi: { fault: 'hangs' } },
      'c',
      /not done within 3\.00 s; it was at "asking nvidia-smi for cards"/,
    ],
    ['MPS is not installed', { mps: 'missing' }, 'e', /nvidia-cuda-mps-control is not installed/],
    ['the card is lost', { engine: { fault: 'card-lost', from: 9 } }, 'd', /unspecified launch failure/],
    ['the driver vanishes', { smi: { fault: 'vanishes' } }, 'c', /nvidia-smi failed/],
    [
      'the driver says that it failed, and exits with 0',
      { smi: { fault: 'says-it-failed' } },
      'c',
      /GPU is lost|something else than its XML/,
    ],
    ['MPS hangs', { mps: 'hangs' }, 'e', /not done within 3\.00 s; it was at "starting the MPS daemon"/],
    [
      'MPS vanishes',
      { mps: 'vanishes' },
      'e',
      /cannot be shared by MPS here \(nvidia-cuda-mps-control ended with SIGKILL\)/,
    ],
    [
      'the MPS daemon is of another user',
      { mps: 'of-another-user' },
      'e',
      /cannot connect to the MPS daemon|MPS daemon .* takes no/,
    ],
    [
      'the engine hangs',
      { engine: { fault: 'hangs' } },
      'c',
      /not done within 3\.00 s; it was at "opening matmul-conv on the card|running matmul-conv on the card/,
    ],
    ['the engine fails', { engine: { fault: 'throws' } }, 'd', /CUDNN_STATUS_EXECUTION_FAILED/],
    [
      'the card is partitioned meanwhile',
      { engine: { fault: 'mig-changed', from: 9 } },
      'd',
      /busy or unavailable/,
    ],
  ])('when %s: one sentence within seconds, and nothing left', async (_, faults, letter, sentence) => {
    await expectSentence(letter, faults, sentence);
  });

  it('keeps the cells of a sweep in the middle of which the card is lost, and the next steps say that there is none', async () => {
    const run = await ProofRun.replay(['--steps', 'f,g', '--step-time', '15'], {
      engine: { fault: 'card-lost', from: 60 },
    });
    expect(await run.exited()).toBe(3);
    const { f, g } = (await run.report())!.steps;
    expect(f!.outcome).toBe('failed');
    expect(f!.sentence).toMatch(/unspecified launch failure|GPU is lost|no cell at/);
    expect(g).toMatchObject({ outcome: 'no-card', sentence: expect.stringMatching(/GPU is lost/) });
    expect(await run.leftAfter(500)).toEqual([]);
  });

  it('measures the whole card where it cannot be shared', async () => {
    const run = await ProofRun.replay(['--steps', 'f'], { mps: 'missing' });
    expect(await run.exited()).toBe(1);
    const { f } = (await run.report())!.steps;
    expect(f!.sentence).toMatch(
      /nvidia-cuda-mps-control is not installed.*Without shares: .* cells measured \(whole\)/,
    );
    expect(f!.figures.cells).toContainEqual(expect.objectContaining({ config: 'b8 c1 g100' }));
  });

  it.each(STEP_LETTERS)('killed in step %s, it has told what it knew, and leaves nothing', async (letter) => {
    const run = await ProofRun.replay(['--steps', letter]);
    if (letter === 'h' || letter === 'i') await cp(TABLE, join(run.out, 'table.json'));
    await run.untilAt(letter, letter === 'e' ? /running both/ : /^(?!starting)/);
    run.kill('SIGKILL');
    await run.exited();
    expect((await run.report())!.steps[letter]!.title).not.toBe('');
    expect(await run.leftAfter(SENTENCE_MS)).toEqual([]);
  });

  it('interrupted by Ctrl-C, it says where it was, and what it did not come to', async () => {
    const run = await ProofRun.replay(['--steps', 'e,d']);
    await run.untilAt('e', /running both/);
    run.kill('SIGINT');
    expect(await run.exited()).toBe(130);
    expect((await run.report())!.steps).toMatchObject({
      e: { outcome: 'skipped', sentence: 'Interrupted at "running both".' },
      d: { outcome: 'skipped', sentence: 'Interrupted before it was its turn.' },
    });
    expect(await run.leftAfter(0)).toEqual([]);
  });

  it('ends within the time for all steps', async () => {
    const run = await ProofRun.replay(['--time', '6'], { engine: { fault: 'hangs' } });
    const begin = performance.now();
    expect(await run.exited()).toBe(1);
    expect(performance.now() - begin).toBeLessThan(12_000);
    expect(run.stdout).toMatch(/^b {2}skipped {2}The time for all steps was over\./m);
  });
});

describe('its options', () => {
  it.each([
    [['--time', 'long'], /--time is no number from 1 to 3600/],
    [['--bundle', 'x', '--compute-capability', '90'], /"90" is none\. Write it as NVIDIA does, like 9\.0/],
    [['--bundle', 'x', '--part-size', '25'], /--part-size is no number from 1 to 24/],
  ])('refuse %j', async (args, sentence) => {
    const run = await ProofRun.start(args, {});
    expect(await run.exited()).toBe(2);
    expect(run.stderr).toMatch(sentence);
  });
});
