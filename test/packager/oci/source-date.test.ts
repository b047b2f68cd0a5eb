import { expect, it } from 'vitest';
import { sourceDate } from '../../../packager/oci/source-date.ts';

it.each([
  [undefined, 0],
  ['', 0],
  ['0', 0],
  ['1700000000', 1_700_000_000],
])('SOURCE_DATE_EPOCH %j is %d s', (text, seconds) => {
  expect(sourceDate({ SOURCE_DATE_EPOCH: text }).getTime()).toBe(seconds * 1000);
});

it.each(['now', '-1', '1.5', '2147483648'])('refuses SOURCE_DATE_EPOCH %j', (text) => {
  expect(() => sourceDate({ SOURCE_DATE_EPOCH: text })).toThrow(`SOURCE_DATE_EPOCH is "${text}"`);
});
