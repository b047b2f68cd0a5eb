import { describe, expect, it } from 'vitest';
import { pause } from '../../../models/base/clock.ts';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import { advanceThrough } from '../../support/virtual-time.ts';

/** How long a pause of a second lasts; the signal comes after 300 ms, if at all. */
async function lengthOf(stop?: AbortController): Promise<number> {
  const clock = new VirtualClock();
  const begunMs = clock.nowMs();
  clock.at(begunMs + 300, () => stop?.abort());
  await advanceThrough(clock, pause(clock, 1_000, stop?.signal));
  return clock.nowMs() - begunMs;
}

describe('a pause', () => {
  it('takes its time, unless the signal comes', async () => {
    expect(await lengthOf()).toBe(1_000);
    expect(await lengthOf(new AbortController())).toBe(300);
  });

  it('is over at once where the signal has come already', async () => {
    const clock = new VirtualClock();
    await pause(clock, 1_000, AbortSignal.abort());
    expect(clock.nextAtMs).toBeUndefined();
  });
});
