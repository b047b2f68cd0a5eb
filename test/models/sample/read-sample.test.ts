import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InflessError } from '../../../models/base/errors.ts';
import type { InputType } from '../../../models/manifest/example.ts';
import { inlineSample, loadSample } from '../../../models/sample/read-sample.ts';
import { ModelFolder } from '../../support/tiny-models.ts';
import { numpyFile } from './numpy-files.ts';

let folder: ModelFolder;
beforeAll(async () => {
  folder = await ModelFolder.create();
});
afterAll(() => folder.remove());

const IDS: InputType = { name: 'ids', dtype: 'int64', rank: 2 };
const MASK: InputType = { name: 'mask', dtype: 'int64', rank: 2 };
const IMAGE: InputType = { name: 'image', dtype: 'float32', rank: 4 };

async function read(content: string | Uint8Array, inputs: readonly InputType[], name = 'request.json') {
  const path = await folder.write(name, typeof content === 'string' ? Buffer.from(content) : content);
  return (await loadSample(path)).read(inputs);
}

async function refusal(content: string | Uint8Array, inputs: readonly InputType[], name?: string) {
  const error = await read(content, inputs, name).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InflessError);
  expect((error as InflessError).code).toBe('INVALID_INPUT');
  return (error as InflessError).sentence.replaceAll(folder.path, '…');
}

const longs = (...values: number[]) => BigInt64Array.from(values.map(BigInt));

describe('a sample in JSON', () => {
  it('is one instance, or inputs by name', async () => {
    const ids = { dtype: 'int64', data: longs(5, 6) };
    const mask = { dtype: 'int64', data: longs(1, 1) };
    const row = { ids: { ...ids, shape: [2] }, mask: { ...mask, shape: [2] } };
    expect(await read('{"instances":[{"ids":[5,6],"mask":[1,1]}]}', [IDS, MASK])).toEqual(row);
    expect(await read('{"inputs":{"ids":[[5,6]],"mask":[[1,1]]}}', [IDS, MASK])).toEqual({
      ids: { ...ids, shape: [1, 2] },
      mask: { ...mask, shape: [1, 2] },
    });
    expect(await read('{"instances":[[5,6]]}', [IDS])).toEqual({ ids: row.ids });
  });

  it('may stand where a file would be named', () => {
    const { ids } = inlineSample({ instances: [[7]] }, 'The sample of "f"').read([IDS]);
    expect(ids).toEqual({ dtype: 'int64', shape: [1], data: longs(7) });
  });

  it.each([
    ['{"instances":[[1],[2]]}', /Sample …\/request\.json has 2 instances\. Give a request of one row\./],
    ['{"instances":[[1.5]]}', /cannot be used: .*instances\[0\]\[0\]|cannot be used: /],
    ['hello', /Sample …\/request\.json cannot be used: .* The body has to be JSON like/],
    ['', /cannot be used/],
    ['{"instances":[]}', /cannot be used: "instances" is empty/],
    ['{"data":[1]}', /cannot be used: The request has neither "instances" nor "inputs"/],
    ['{"inputs":[[[1]]]}', /has shape \[1,1,1\] for input "ids", which has 2 axes/],
  ])('that is wrong is told in a sentence: %s', async (content, sentence) => {
    expect(await refusal(content, [IDS])).toMatch(sentence);
  });

  it('has every input and no other', async () => {
    expect(await refusal('{"inputs":{"ids":[[1]]}}', [IDS, MASK])).toMatch(
      /lacks input "mask"\. The inputs are: ids, mask\./,
    );
    expect(await refusal('{"instances":[{"idz":[1]}]}', [IDS, MASK])).toMatch(/has no input "idz"/);
  });
});

describe('a sample of NumPy', () => {
  it('is an array for an only input, or arrays by name', async () => {
    const { image } = await read(numpyFile('compressed'), [{ ...IMAGE, name: 'x', rank: 3 }], 'a.npz').then(
      ({ x }) => ({ image: x }),
    );
    expect(image!.shape).toEqual([1, 4, 4]);
    const { ids } = await read(numpyFile('longs'), [IDS], 'a.npy');
    expect(ids!.shape).toEqual([1, 3]);
    expect(Object.keys(await read(numpyFile('savez'), [IDS, MASK], 'A.NPZ'))).toEqual(['ids', 'mask']);
  });

  it.each([
    [
      'longs',
      'a.npy',
      [IDS, MASK],
      /has one array, and the model 2 inputs\. Give an \.npz file with the arrays ids, mask\./,
    ],
    [
      'floats',
      'a.npy',
      [IDS],
      /has element type float32 for input "ids", the model takes int64\. .*astype\(numpy\.int64\)/,
    ],
    ['savez', 'a.npz', [IDS], /has "mask", which is no input of the model\. Its inputs are: ids\./],
    [
      'compressed',
      'a.npz',
      [{ ...IMAGE, name: 'x', rank: 6 }],
      /has shape \[1,4,4\] for input "x", which has 6 axes/,
    ],
  ] as const)('that is wrong is told in a sentence: %s as %s', async (file, name, inputs, sentence) => {
    expect(await refusal(numpyFile(file), inputs, name)).toMatch(sentence);
  });
});

it('a file that is missing or far too large is told', async () => {
  const missing = join(folder.path, 'none.json');
  await expect(loadSample(missing)).rejects.toThrow(/^Sample .*none\.json does not exist$/);
  const path = await folder.write('huge.json', Buffer.from('{}'));
  await truncate(path, 2 ** 29);
  await expect(loadSample(path)).rejects.toThrow(/huge\.json has 5\d\d(\.\d)? Mi?B$/);
  await expect(loadSample(folder.path)).rejects.toThrow(/cannot be read \(EISDIR\)/);
});
