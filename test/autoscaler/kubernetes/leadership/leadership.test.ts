import { describe, expect, it } from 'vitest';
import { holderOf } from '../../../../autoscaler/kubernetes/leadership/lease.ts';
import { advance, advanceThrough, settle } from '../../../support/virtual-time.ts';
import { LeaseWorld } from './lease-world.ts';

describe('leadership', () => {
  it('is had at once where nobody has it, and kept', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    await advance(world.clock, 100);
    expect(one.isLeader).toBe(true);
    expect(world.lease).toMatchObject({
      metadata: { name: 'autoscaler', annotations: { 'infless.io/gateway-url': 'http://one' } },
      spec: { holderIdentity: 'one', leaseDurationSeconds: 15, leaseTransitions: 0 },
    });
    await advance(world.clock, 60_000);
    expect(one.turns).toEqual([true]);
    const { acquireTime, renewTime } = world.lease!.spec!;
    expect(acquireTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(Date.parse(renewTime!) - Date.parse(acquireTime!)).toBeGreaterThan(57_000);
    expect(Number(world.lease!.metadata!.resourceVersion)).toBeLessThanOrEqual(31); // every 2 s
  });

  it('goes to one of two', async () => {
    const world = new LeaseWorld();
    const two = [world.join('one'), world.join('two')];
    await advance(world.clock, 60_000);
    expect(two.filter(({ isLeader }) => isLeader)).toHaveLength(1);
    const [leader, other] = two[0]!.isLeader ? two : two.toReversed();
    expect(leader!.turns).toEqual([true]);
    expect(other!.turns).toEqual([]);
    expect(other!.leadership.leaderUrl).toBe(`http://${leader!.identity}`);
    expect(leader!.leadership.leaderUrl).toBeUndefined();
  });

  it('passes to the other when the lease has run out, not before', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    await advance(world.clock, 1_000);
    const two = world.join('two');
    await advance(world.clock, 20_000);
    one.crash();
    await advance(world.clock, 12_900);
    expect(two.isLeader).toBe(false);
    await advance(world.clock, 2_200);
    expect(two.isLeader).toBe(true);
    expect(one.isLeader).toBe(false);
    expect(world.lease?.spec).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 });
  });

  it('passes at once when it is given back', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    await advance(world.clock, 1_000);
    const two = world.join('two');
    await advance(world.clock, 5_000);
    await advanceThrough(world.clock, one.leadership.stop());
    expect(one.turns).toEqual([true, false]);
    await advance(world.clock, 100);
    expect(two.isLeader).toBe(true);
  });

  it('is given up before another can have it, when the server cannot be reached', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    await advance(world.clock, 10_000);
    world.passage = () => ({ requestMs: 0, answerMs: 0, lost: 'request' });
    await advance(world.clock, 7_900);
    expect(one.isLeader).toBe(true);
    await advance(world.clock, 2_200);
    expect(one.turns).toEqual([true, false]);
    world.passage = () => ({ requestMs: 1, answerMs: 1 });
    await advance(world.clock, 5_000);
    expect(one.turns).toEqual([true, false, true]);
    expect(world.lease?.spec?.leaseTransitions).toBe(0);
  });

  it('survives a renewal whose answer was lost', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    await advance(world.clock, 10_000);
    let lost = 0;
    world.passage = () => ({ requestMs: 1, answerMs: 1, ...(lost++ === 0 ? { lost: 'answer' } : {}) });
    await advance(world.clock, 30_000);
    expect(lost).toBeGreaterThan(1);
    expect(one.turns).toEqual([true]);
  });

  it('does not begin with an answer that comes when it would be over', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    world.clock.step(); // it looks
    await settle();
    world.passage = () => ({ requestMs: 1, answerMs: 1_000 });
    await advance(world.clock, 500);
    expect(holderOf(world.lease!)).toBe('one');
    one.freeze(20_000);
    world.passage = () => ({ requestMs: 1, answerMs: 1 });
    const two = world.join('two');
    await advance(world.clock, 19_999);
    expect(two.isLeader).toBe(true);
    while (world.clock.nextAtMs! < 1_000_000 + 21_000) {
      world.clock.step();
      await settle();
      expect(one.isLeader).toBe(false);
    }
    expect(one.turns).toEqual([]);
  });

  it('is over, for who asks, even while no timer comes', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    await advance(world.clock, 1_000);
    one.freeze(30_000);
    await advance(world.clock, 11_000);
    expect(one.turns).toEqual([true]);
    expect(one.isLeader).toBe(false);
    await advance(world.clock, 25_000);
    expect(one.turns).toEqual([true, false, true]); // no one else was there
  });

  it('is not taken at once when the lease was deleted: its holder may not know yet', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    await advance(world.clock, 1_000);
    const two = world.join('two');
    await advance(world.clock, 5_000);
    one.crash();
    world.remove();
    await advance(world.clock, 14_900);
    expect(two.isLeader).toBe(false);
    await advance(world.clock, 200);
    expect(two.isLeader).toBe(true);
  });

  it('ends when another name is on the lease', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    await advance(world.clock, 1_000);
    const lease = world.lease!;
    world.write({ ...lease, spec: { ...lease.spec, holderIdentity: 'usurper' } }, false);
    await advance(world.clock, 2);
    expect(one.turns).toEqual([true, false]);
    await advance(world.clock, 20_000); // the usurper does not renew
    expect(one.turns).toEqual([true, false, true]);
  });

  it('asks for the lease only when something has changed, or is due', async () => {
    const world = new LeaseWorld();
    world.join('one');
    await advance(world.clock, 1_000);
    let messages = 0;
    const two = world.join('two');
    const exchange = world.passage;
    world.passage = () => {
      messages += 1;
      return exchange();
    };
    await advance(world.clock, 600_000);
    expect(two.turns).toEqual([]);
    // a renewal each 2 s and its news to two watches
    expect(messages).toBeLessThanOrEqual(3 * 301 + 3);
  });

  it('takes no part after its end', async () => {
    const world = new LeaseWorld();
    const one = world.join('one');
    await settle();
    await advanceThrough(world.clock, one.leadership.stop());
    await advance(world.clock, 60_000);
    expect(one.turns).toEqual([]);
    expect(world.lease === undefined ? undefined : holderOf(world.lease)).toBeUndefined();
  });
});
