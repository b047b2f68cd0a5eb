import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFunctionSpec } from '../../../autoscaler/functions/spec.ts';
import { functionNameOf, givenModels } from '../../../autoscaler/serve-models/given-models.ts';
import { encodeTinyModel, LINEAR } from '../../support/tiny-models.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infless-given-'));
  process.env.INFLESS_CACHE_DIR = join(folder, 'cache');
  await mkdir(join(folder, 'several'));
  await mkdir(join(folder, 'nested', 'inner'), { recursive: true });
  for (const name of ['several/A b.onnx', 'several/c.onnx', 'nested/inner/model.onnx'])
    await writeFile(join(folder, name), encodeTinyModel(LINEAR));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function names(...given: string[]): Promise<readonly string[]> {
  return (await givenModels(given.map((path) => join(folder, path)))).map((each) => each.functionName);
}

describe('models that are given', () => {
  it('are files, folders with several, and folders of folders', async () => {
    expect(await names('several/c.onnx')).toEqual(['c']);
    expect(await names('several')).toEqual(['a-b', 'c']);
    expect(await names('nested')).toEqual(['inner']);
    expect(await names('several', 'several/c.onnx')).toEqual(['a-b', 'c']);
  });

  it('need names of their own', async () => {
    await writeFile(join(folder, 'A-B.onnx'), encodeTinyModel(LINEAR));
    await expect(names('several', 'A-B.onnx')).rejects.toThrow('would both be served as "a-b"');
  });

  it('are told where there are none', async () => {
    await expect(names('none.onnx')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(names('cache')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });
});

it('a name of a model becomes one that a function may have', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (modelName) => {
      const name = functionNameOf(modelName);
      expect(parseFunctionSpec({ name, model: 'm', slo: '1s' }, 'it').name).toBe(name);
    }),
  );
});
