import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callProgram } from '../../../models/base/command-line/program.ts';
import { profileProgram } from '../../../profiler/program.ts';
import { writeFixedBatchModel } from '../cell/fixed-batch-model.ts';
import { ProfileProcess } from './run-profile.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-profile-'));
  vi.stubEnv('INFLESS_CACHE_DIR', join(folder, 'cache'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** What the command line throws; `runProgram` turns it into a sentence and an exit code. */
function failure(...args: string[]): Promise<unknown> {
  return callProgram(profileProgram, args).then(
    () => 'nothing was wrong',
    (error: unknown) => error,
  );
}

describe('bad input', () => {
  it.each([
    ['an unknown zoo name', ['mobilnet'], /^There is no model "mobilnet"\. .*mobilenet, resnet-50/],
    ['a missing file', ['./missing.onnx'], /missing\.onnx does not exist\./],
    [
      'a quota that is none',
      ['mnist', '--cpus', '1,fast'],
      /^--cpus "fast" is not an amount of CPU\. Write cores/,
    ],
    [
      'a quota beyond the host',
      ['mnist', '--cpus', '4096'],
      /^A CPU quota of 4096 cores cannot be measured where [\d.]+ are available\. Ask for at most/,
    ],
    ['a batch of nothing', ['mnist', '--batches', '0'], /^--batches "0": "0" is not a batch size\. Write/],
    [
      'a bare number as time',
      ['mnist', '--cell-time', '3'],
      /^--cell-time "3" is not a duration\. Write a number and a unit/,
    ],
    ['no time at all', ['mnist', '--slo', '0ms'], /^--slo must be longer than 0ms\./],
    ['an error of 0', ['mnist', '--error', '0'], /^--error "0" is not a percentage from 0\.1 to 50\. Write/],
    ['a confidence of 100 %', ['mnist', '--confidence', '100%'], /^--confidence "100%" is not a percentage/],
    [
      'measuring and predicting',
      ['mnist', '--predict', '--period', '100ms'],
      /^--period measures, and --predict does not\. Give one of them\./,
    ],
    ['a period the kernel refuses', ['mnist', '--period', '5s'], /period/],
    [
      'a shape of no input',
      ['mnist', '--shape', 'images=1,3'],
      /^Model mnist has no input "images" to give a shape\. Its inputs are: inputs\./,
    ],
    [
      'a shape that does not fit',
      ['mnist', '--shape', 'inputs=3'],
      /^Shape \[3\] does not fit input "inputs"/,
    ],
    [
      'a shape that is none',
      ['mnist', '--shape', 'inputs=big'],
      /^--shape "inputs=big" is not the shape of an input\. Write/,
    ],
  ] satisfies [string, string[], RegExp][])('%s', async (_, args, sentence) => {
    expect(await failure(...args)).toMatchObject({ sentence: expect.stringMatching(sentence), exitCode: 2 });
  });

  it.each([
    ['an unknown format', ['mnist', '--format', 'xml'], '--format "xml" is none of json, csv'],
    ['a percentile that no table holds', ['mnist', '--percentile', '42'], '--percentile "42" is none of'],
    ['no model', [], 'infless-profile needs <model>'],
    ['two models', ['mnist', 'ssd'], '"ssd" is one argument too many'],
    [
      'an unknown option',
      ['mnist', '--gpus', '1'],
      'infless-profile has no option --gpus. Did you mean --cpus or --gpu?',
    ],
  ] satisfies [string, string[], string][])('%s', async (_, args, message) => {
    expect(await failure(...args)).toMatchObject({ sentence: expect.stringContaining(message), exitCode: 2 });
  });

  it('a file that is no model', async () => {
    const file = join(folder, 'corrupt.onnx');
    await writeFile(file, 'this is not a graph');
    expect(await failure(file)).toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringContaining('corrupt.onnx'),
    });
  });

  it('batches of a model that cannot batch', async () => {
    const file = join(folder, 'fixed.onnx');
    await writeFixedBatchModel(file);
    expect(await failure(file, '--batches', '1,4')).toMatchObject({
      sentence:
        'Model fixed cannot run a batch of 4: no input has a free axis that can be the batch. Leave out --batches, or export the model with a dynamic batch axis.',
      exitCode: 2,
    });
  });

  it('an output that is a folder', async () => {
    expect(await failure('mnist', '-o', folder)).toMatchObject({
      sentence: `Output ${folder} is a folder. Give the name of a file in it.`,
    });
  });

  it('an output that cannot be written, before anything is measured', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await failure('mnist', '-o', join(folder, 'file', 'table.json'))).toMatchObject({
      code: 'STORAGE_FAILED',
      sentence: expect.stringMatching(/cannot be written \(E\w+\)\. Choose an output in a folder/),
    });
  });

  it('a cache that cannot be written', async () => {
    await writeFile(join(folder, 'cache'), '');
    expect(await failure('mnist')).toMatchObject({ code: 'STORAGE_FAILED', exitCode: 3 });
  });

  it('is one sentence on standard error and an exit code', async () => {
    const { code, stdout, stderr } = await new ProfileProcess(folder, 'mobilnet').finished();
    expect(stderr).toMatch(/^error: There is no model "mobilnet"\. .*\n$/);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});
