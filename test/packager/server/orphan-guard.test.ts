import { expect, test } from 'vitest';
import { VirtualClock } from '../../../models/base/virtual-clock.ts';
import { OrphanGuard } from '../../../packager/server/orphan-guard.ts';

test('fires once, when nobody asked for the whole time', () => {
  const clock = new VirtualClock();
  const orphanedAt: number[] = [];
  const guard = new OrphanGuard(clock, 100, () => orphanedAt.push(clock.nowMs()));
  clock.runUntil(60);
  guard.touch();
  clock.runUntil(159);
  expect(orphanedAt).toEqual([]);
  clock.runUntil(1000);
  expect(orphanedAt).toEqual([160]);
});

test('0 means never', () => {
  const clock = new VirtualClock();
  let orphaned = false;
  new OrphanGuard(clock, 0, () => {
    orphaned = true;
  });
  clock.runUntil(1e9);
  expect(orphaned).toBe(false);
});

test('says nothing once closed', () => {
  const clock = new VirtualClock();
  let orphaned = false;
  const guard = new OrphanGuard(clock, 100, () => {
    orphaned = true;
  });
  guard.close();
  clock.runUntil(1000);
  expect(orphaned).toBe(false);
});
