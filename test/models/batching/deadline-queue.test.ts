import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineQueue } from '../../../models/batching/deadline-queue.ts';
import { namesOf, type TestRequest, waiting } from '../../support/waiting-requests.ts';

function all(queue: DeadlineQueue<TestRequest>): string[] {
  return Array.from({ length: queue.size }, (_, index) => queue.at(index)!.name);
}

describe('DeadlineQueue', () => {
  it('keeps the order of deadlines, and of insertion where they are the same', () => {
    const queue = new DeadlineQueue<TestRequest>();
    for (const [name, arrivalMs] of [
      ['b', 10],
      ['c', 20],
      ['retry', 5],
      ['c again', 20],
    ] as const) {
      queue.insert(waiting(name, arrivalMs));
    }
    expect(all(queue)).toEqual(['retry', 'b', 'c', 'c again']);
  });

  it('takes from the front and from further down', () => {
    const queue = new DeadlineQueue<TestRequest>();
    for (const name of ['a', 'b', 'c', 'd', 'e']) queue.insert(waiting(name, name.charCodeAt(0)));
    expect(namesOf(queue.take(2, 1))).toEqual(['b', 'c']);
    expect(namesOf(queue.take(2))).toEqual(['a', 'd']);
    expect(namesOf(queue.take(2))).toEqual(['e']);
    expect(queue.size).toBe(0);
  });

  it('behaves as a sorted list, whatever is done to it', () => {
    const operation = fc.oneof(
      { weight: 4, arbitrary: fc.record({ insert: fc.integer({ min: 0, max: 50 }) }) },
      fc.record({ take: fc.integer({ min: 0, max: 40 }), from: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ remove: fc.nat(500) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), (operations) => {
        const queue = new DeadlineQueue<TestRequest>();
        const model: TestRequest[] = [];
        const seen: TestRequest[] = [];
        for (const step of operations) {
          if ('insert' in step) {
            const request = waiting(`${seen.length}`, step.insert);
            seen.push(request);
            queue.insert(request);
            const place = model.findLastIndex((other) => other.deadlineMs <= request.deadlineMs);
            model.splice(place + 1, 0, request);
          } else if ('take' in step) {
            const from = Math.min(step.from, model.length);
            expect(queue.take(step.take, from)).toEqual(model.splice(from, step.take));
          } else if (seen.length > 0) {
            const request = seen[step.remove % seen.length]!;
            const place = model.indexOf(request);
            expect(queue.remove(request)).toBe(place >= 0);
            if (place >= 0) model.splice(place, 1);
          }
          expect(queue.size).toBe(model.length);
          expect(queue.at(0)).toBe(model[0]);
        }
        expect(all(queue)).toEqual(namesOf(model));
      }),
    );
  });
});
