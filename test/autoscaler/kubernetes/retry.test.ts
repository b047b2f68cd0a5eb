import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../autoscaler/kubernetes/api-errors.ts';
import { backoffMs, withRetry } from '../../../autoscaler/kubernetes/retry.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import { advanceThrough } from '../../support/virtual-time.ts';

/** Fails with these, one after the other, then succeeds; notes when it was tried. */
function failing(clock: VirtualClock, errors: readonly unknown[]) {
  const triedAtMs: number[] = [];
  const work = async (): Promise<string> => {
    triedAtMs.push(clock.nowMs());
    if (triedAtMs.length <= errors.length) throw errors[triedAtMs.length - 1];
    return 'done';
  };
  return { triedAtMs, work };
}

const random = (): number => 1;

describe('withRetry', () => {
  it('waits twice as long each time', async () => {
    const clock = new VirtualClock();
    const { triedAtMs, work } = failing(clock, [
      new ApiError(0, ''),
      new ApiError(500, ''),
      new ApiError(503, ''),
    ]);
    expect(await advanceThrough(clock, withRetry(clock, work, { random }))).toBe('done');
    expect(triedAtMs).toEqual([0, 100, 300, 700]);
  });

  it('waits as long as it is asked to', async () => {
    const clock = new VirtualClock();
    const { triedAtMs, work } = failing(clock, [new ApiError(429, '', { retryAfterMs: 2_000 })]);
    await advanceThrough(clock, withRetry(clock, work, { random }));
    expect(triedAtMs).toEqual([0, 2_000]);
  });

  it('gives up with the last error', async () => {
    const clock = new VirtualClock();
    const errors = [1, 2, 3].map((count) => new ApiError(500, `failure ${count}`));
    const { triedAtMs, work } = failing(clock, errors);
    await expect(advanceThrough(clock, withRetry(clock, work, { random, attempts: 3 }))).rejects.toThrow(
      'failure 3',
    );
    expect(triedAtMs).toHaveLength(3);
  });

  it.each([new ApiError(409, '', { reason: 'Conflict' }), new ApiError(403, ''), new Error('a defect')])(
    'does not repeat what would fail again: %s',
    async (error) => {
      const clock = new VirtualClock();
      const { triedAtMs, work } = failing(clock, [error]);
      await expect(withRetry(clock, work)).rejects.toBe(error);
      expect(triedAtMs).toHaveLength(1);
    },
  );

  it('ends with the signal, not with the pause', async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const { work } = failing(clock, [new ApiError(500, 'down')]);
    const result = withRetry(clock, work, { signal: stop.signal });
    stop.abort();
    await expect(result).rejects.toThrow('down');
  });
});

describe('a pause', () => {
  it('leaves half of itself to chance, and has a longest', () => {
    expect(backoffMs(1, () => 0)).toBe(50);
    expect(backoffMs(3, () => 1)).toBe(400);
    expect(backoffMs(50, () => 1)).toBe(10_000);
  });
});
