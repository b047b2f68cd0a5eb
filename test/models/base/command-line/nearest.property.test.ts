import fc from 'fast-check';
import { expect, it } from 'vitest';
import { didYouMean, nearest } from '../../../../models/base/command-line/nearest.ts';

const word = fc.stringMatching(/^[a-z]{4,12}$/);
const words = fc.uniqueArray(word, { minLength: 1, maxLength: 20 });

it('a known word is its own nearest', () => {
  fc.assert(
    fc.property(words, fc.nat(), (known, index) => {
      const meant = known[index % known.length]!;
      expect(nearest(meant, known)).toEqual([meant]);
    }),
  );
});

it('one letter too many, too few, wrong, or swapped with its neighbour is found again', () => {
  fc.assert(
    fc.property(word, fc.nat(), fc.constantFrom('drop', 'add', 'change', 'swap'), (meant, where, slip) => {
      const at = where % (meant.length - 1);
      const [before, letter, next, rest] = [
        ...[meant.slice(0, at), meant[at]!, meant[at + 1]!, meant.slice(at + 2)],
      ];
      const written = {
        drop: `${before}${next}${rest}`,
        add: `${before}-${letter}${next}${rest}`,
        change: `${before}-${next}${rest}`,
        swap: `${before}${next}${letter}${rest}`,
      }[slip];
      expect(nearest(written, [meant, '0123456789'])).toEqual([meant]);
    }),
  );
});

it.each([
  ['pln', ['plan', 'explain', 'image'], 'Did you mean plan?'],
  ['--rat', ['--rate', '--ramp'], 'Did you mean --rate?'],
  ['--out', ['--output', '--dockerfile'], 'Did you mean --output?'],
  ['--max', ['--max-batch', '--max-time', '--seed'], 'Did you mean --max-batch or --max-time?'],
  ['Compare', ['compare', 'merge'], 'Did you mean compare?'],
  ['resnet.onnx', ['inspect', 'verify'], undefined],
  ['--', ['--a', '--b'], undefined],
  ['x', [], undefined],
])('of %s among %j: %s', (written, known, sentence) => {
  expect(didYouMean(written, known)).toBe(sentence);
});
