import { describe, expect, it } from 'vitest';
import { FixedKeepAlive } from '../../../../autoscaler/demand/keepalive/policies.ts';
import { Tournament } from '../../../../autoscaler/demand/keepalive/tournament.ts';
import { seededRandom } from '../../../../models/base/random.ts';
import { MINUTE_MS } from './arbitraries.ts';

const PRICE_MS = 10 * MINUTE_MS;
const STARTUP_MS = 3_000;

/** Three that never learn: which is best depends on the idle times alone. */
function players() {
  const never = new FixedKeepAlive(0);
  const shortly = new FixedKeepAlive(5 * MINUTE_MS);
  const long = new FixedKeepAlive(60 * MINUTE_MS);
  return { never, shortly, long, all: [shortly, never, long] };
}

function play(tournament: Tournament, idleTimesMs: readonly number[]): void {
  for (const idleMs of idleTimesMs) {
    tournament.idleBegan(0, STARTUP_MS);
    tournament.idleEnded(idleMs, 0);
  }
}

function times(count: number, idleMs: number): number[] {
  return new Array<number>(count).fill(idleMs);
}

describe('the tournament', () => {
  it('follows the first candidate until another has proven better', () => {
    const { all, shortly, long } = players();
    const tournament = new Tournament({ candidates: all, coldStartPriceMs: PRICE_MS });
    expect(tournament.idleBegan(0, STARTUP_MS)).toEqual(shortly.idleBegan());
    play(tournament, times(3, 7 * MINUTE_MS));
    expect(tournament.leader).toBe(shortly);
    play(tournament, times(3, 7 * MINUTE_MS));
    expect(tournament.leader).toBe(long);
    expect(tournament.idleBegan(0, STARTUP_MS)).toEqual(long.idleBegan());
  });

  it('changes its mind when the function changes, and then stays', () => {
    const { all, never, long } = players();
    const tournament = new Tournament({ candidates: all, coldStartPriceMs: PRICE_MS });
    play(tournament, times(1_000, 7 * MINUTE_MS));
    expect(tournament.leader).toBe(long);
    play(tournament, times(40, 45 * MINUTE_MS));
    expect(tournament.leader).toBe(never);
    play(tournament, times(100, 45 * MINUTE_MS));
    expect(tournament.leader).toBe(never);
  });

  it('does not forget over requests that any candidate answers', () => {
    const { long } = players();
    const candidates = [new FixedKeepAlive(5 * MINUTE_MS), long];
    const tournament = new Tournament({ candidates, coldStartPriceMs: PRICE_MS });
    play(tournament, times(20, 7 * MINUTE_MS));
    play(tournament, times(10_000, 10));
    expect(tournament.leader).toBe(long);
  });

  it('does not flap where two candidates are as good as each other', () => {
    const random = seededRandom(3);
    const candidates = [new FixedKeepAlive(10 * MINUTE_MS), new FixedKeepAlive(11 * MINUTE_MS)];
    const tournament = new Tournament({ candidates, coldStartPriceMs: PRICE_MS });
    let changes = 0;
    let leader = tournament.leader;
    for (let period = 0; period < 5_000; period += 1) {
      play(tournament, [-Math.log(1 - random()) * 10 * MINUTE_MS]);
      if (tournament.leader !== leader) changes += 1;
      leader = tournament.leader;
    }
    expect(changes).toBeLessThan(10);
  });
});
