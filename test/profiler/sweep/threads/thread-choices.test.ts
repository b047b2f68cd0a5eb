import { describe, expect, test } from 'vitest';
import { threadRule } from '../../../../models/engines/engine.ts';
import { candidatesFor, quotasToTry, winnerOf } from '../../../../profiler/sweep/threads/thread-choices.ts';
import { threadingOf } from '../../../../profiles/lookup.ts';
import type { ThreadChoice } from '../../../../profiles/table.ts';

const trial = (threads: number, spinning: boolean, meanMs: number): ThreadChoice['trials'][number] => ({
  threads,
  spinning,
  meanMs,
  batch: 8,
  cpuMs: 10,
});

function choice(cpuMillicores: number, threads: number, spinning = false): ThreadChoice {
  return { cpuMillicores, threads, spinning, trials: [] };
}

test('threads are tried where there is a choice: beyond one core, at the ends', () => {
  expect(quotasToTry([250, 500, 1000])).toEqual([]);
  expect(quotasToTry([250, 1000, 1500, 2000])).toEqual([1500, 2000]);
  expect(quotasToTry([1000, 1500, 2000, 2500, 3500, 4000, 8000])).toEqual([1500, 2000, 3500, 8000]);
  expect(candidatesFor(1500)).toEqual([
    { threads: 2, spinning: false },
    { threads: 1, spinning: false },
  ]);
  expect(candidatesFor(4000)).toEqual([
    { threads: 4, spinning: false },
    { threads: 4, spinning: true },
  ]);
});

describe('the winner', () => {
  test('is the default unless another is clearly faster', () => {
    expect(winnerOf([trial(2, false, 10), trial(1, false, 9.8)])).toEqual({ threads: 2, spinning: false });
    expect(winnerOf([trial(2, false, 10), trial(1, false, 9)])).toEqual({ threads: 1, spinning: false });
  });

  test('spins only where that is worth its CPU time', () => {
    expect(winnerOf([trial(2, false, 10), trial(2, true, 9.2)])).toEqual({ threads: 2, spinning: false });
    expect(winnerOf([trial(2, false, 10), trial(2, true, 7)])).toEqual({ threads: 2, spinning: true });
  });
});

describe('the threading of a quota', () => {
  const choices = [choice(1500, 1), choice(2000, 2, true), choice(3500, 4), choice(8000, 8)];

  test.each([250, 1000])('of %i millicores is the default', (quota) => {
    expect(threadingOf(quota, choices)).toEqual(threadRule(quota));
  });

  test.each([
    [1500, 1, false],
    [2000, 2, true],
    [2500, 3, false],
    [1800, 1, false],
    [3000, 3, true],
    [6000, 6, false],
  ])('of %i millicores is %i threads, spinning: %s', (quota, threads, spinning) => {
    expect(threadingOf(quota, choices)).toEqual({ threads, spinning });
  });

  test('without choices is the default', () => {
    expect(threadingOf(3500, [])).toEqual({ threads: 4, spinning: false });
  });
});
