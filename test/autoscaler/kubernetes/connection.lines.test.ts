import fc from 'fast-check';
import { expect, it } from 'vitest';
import { linesOf } from '../../../autoscaler/kubernetes/connection.ts';

it('gives the same lines however the text was cut', async () => {
  const text = fc.array(fc.string({ unit: 'grapheme' }).filter((line) => !line.includes('\n')));
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      async (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        async function* chunks(): AsyncGenerator<Uint8Array> {
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = sizes[turn % sizes.length]!;
            yield bytes.subarray(at, at + size);
            at += size;
          }
        }
        const found: string[] = [];
        for await (const line of linesOf(chunks())) found.push(line);
        expect(found).toEqual(lines);
      },
    ),
  );
});

it('takes what stands after the last line feed for a line', async () => {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('one\ntw');
    yield Buffer.from('o');
  }
  const found: string[] = [];
  for await (const line of linesOf(chunks())) found.push(line);
  expect(found).toEqual(['one', 'two']);
});
