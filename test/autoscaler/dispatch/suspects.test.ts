import { expect, test } from 'vitest';
import { Suspects } from '../../../autoscaler/dispatch/suspects.ts';

const BODY = Buffer.from('body');
const OTHER = Buffer.from('ydob');

test('a body is refused after two deaths, whichever copy of it, and no other of its length', () => {
  const suspects = new Suspects();
  suspects.accuse(BODY, 0);
  expect([suspects.has(Buffer.from('body'), 1), suspects.has(OTHER, 1)]).toEqual([true, false]);
  expect(suspects.convict(BODY, 2)).toBe(false);
  expect(suspects.isRefused(BODY, 3)).toBe(false);
  expect(suspects.convict(Buffer.from('body'), 4)).toBe(true);
  expect([suspects.isRefused(BODY, 5), suspects.isRefused(OTHER, 5)]).toEqual([true, false]);
  expect(suspects.isRefused(BODY, 300_004)).toBe(false);
});

test('an answer clears it', () => {
  const suspects = new Suspects();
  suspects.convict(BODY, 0);
  suspects.clear(BODY);
  suspects.clear(OTHER);
  expect(suspects.has(BODY, 1)).toBe(false);
  expect(suspects.convict(BODY, 2)).toBe(false);
});

test('what nothing is heard of is forgotten, and so are the oldest of very many', () => {
  const suspects = new Suspects();
  suspects.accuse(BODY, 0);
  expect(suspects.has(BODY, 59_999)).toBe(true);
  expect(suspects.has(BODY, 60_000)).toBe(false);
  for (let index = 0; index <= 1_000; index += 1) suspects.accuse(Buffer.from(`${index}`), 0);
  expect([suspects.has(Buffer.from('0'), 1), suspects.has(Buffer.from('1000'), 1)]).toEqual([false, true]);
});
