import { expect, it } from 'vitest';
import { TroubleTimer } from '../../../../autoscaler/fleet/kubernetes/supervised-pod.ts';
import { VirtualClock } from '../../../../models/base/virtual-clock.ts';

it('gives up with the latest reason, when trouble lasts without a break', () => {
  const clock = new VirtualClock();
  const givenUp: string[] = [];
  const endurance = new TroubleTimer(clock, (reason) => givenUp.push(`${reason} at ${clock.nowMs()}`));
  endurance.bear('no room', 1_000);
  clock.runUntil(900);
  endurance.relieve();
  clock.runUntil(5_000);
  endurance.bear('no room', 1_000);
  clock.runUntil(5_500);
  endurance.bear('still no room', 1_000);
  clock.runUntil(10_000);
  expect(givenUp).toEqual(['still no room at 6000']);
});
