/**
 * The proof on a GPU, without one: what has to hold whenever anything changes. `npm run test:gpu-proof` walks
 * all of its steps, faults and parts.
 */
import { describe, expect, it } from 'vitest';
import { expectSentence, ProofRun } from '../gpu-proof/proof-run.ts';

describe.skipIf(process.platform !== 'linux')(
  'a proof with the card played by recorded outputs and the CPU',
  () => {
    it('compares the answers of the card with those of the CPU, one line and one entry', async () => {
      const run = await ProofRun.replay(['--steps', 'c']);
      expect(await run.exited()).toBe(0);
      expect(run.stderr).toBe('');
      expect(run.stdout.split('\n')).toEqual([expect.stringMatching(/^c {2}passed {3}matmul-conv b8: /), '']);
      expect((await run.report())!.steps.c!.figures).toMatchObject({
        compared: [
          { model: 'matmul-conv', difference: 0, cpuNodes: { share: 0, operators: [] } },
          { model: 'mnist', difference: 0, cpuNodes: { share: 0, operators: [] } },
        ],
      });
      expect(await run.leftAfter(0)).toEqual([]);
    });

    it('when the engine vanishes: one sentence within seconds, and nothing left', async () => {
      const fault = { engine: { fault: 'vanishes' } };
      await expectSentence('c', fault, /ended with SIGKILL at "running matmul-conv on the card"/);
    });

    it('killed, it has told what it knew, and leaves no daemon, process or file', async () => {
      const run = await ProofRun.replay(['--steps', 'e']);
      await run.untilAt('e', /running both/);
      run.kill('SIGKILL');
      await run.exited();
      expect((await run.report())!.steps.e!.figures).toHaveProperty('upMs');
      expect(await run.leftAfter(5000)).toEqual([]);
    });
  },
);

describe('a proof without a card', () => {
  it('says so with exit code 3, without anything on its PATH', async () => {
    const run = await ProofRun.start(['--steps', 'c,a'], { PATH: '' });
    expect(await run.exited()).toBe(3);
    expect(run.stdout).toMatch(
      /^c {2}no-card {2}There is no NVIDIA driver with a card here \(nvidia-smi is not installed\): run this on a machine with one\./,
    );
    expect((await run.report())!.steps.a!.outcome).toBe('no-card');
  });

  it.each([
    [['--steps', 'c,x'], /--steps "c,x": "x" is not a step\. Choose among c, f, h, g, d, e, i, a, b\./],
    [['--replay', '/nowhere'], /\/nowhere\/outputs\.json cannot be read, and a replay is made of it/],
  ])('refuses %j', async (args, sentence) => {
    const run = await ProofRun.start(args, {});
    expect(await run.exited()).toBe(2);
    expect(run.stderr).toMatch(sentence);
  });
});
