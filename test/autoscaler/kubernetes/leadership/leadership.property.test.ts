import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settle } from '../../../support/virtual-time.ts';
import { LeaseWorld, type Passage, type TestCandidate } from './lease-world.ts';

const LONGEST_MS = 120_000;

/** Quick mostly, slower than any timeout at times. */
const delayMs = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 50 }) },
  { weight: 2, arbitrary: fc.integer({ min: 50, max: 4_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 4_000, max: 30_000 }) },
);

const passage: fc.Arbitrary<Passage> = fc.record(
  {
    requestMs: delayMs,
    answerMs: delayMs,
    lost: fc.constantFrom('request', 'answer'),
  },
  { requiredKeys: ['requestMs', 'answerMs'] },
);

const mishap = fc.record({
  atMs: fc.integer({ min: 0, max: LONGEST_MS }),
  who: fc.nat({ max: 3 }),
  what: fc.constantFrom('freeze', 'crash', 'resign'),
  durationMs: fc.integer({ min: 100, max: 40_000 }),
});

const scenario = fc.record({
  // Clocks a tenth apart from true time: worse than any that works.
  clocks: fc.array(
    fc.record({
      clockRate: fc.double({ min: 0.9, max: 1.1, noNaN: true }),
      clockOffsetMs: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    }),
    { minLength: 2, maxLength: 4 },
  ),
  /** Of one message after the other, over and over. */
  passages: fc.array(passage, { minLength: 1, maxLength: 60 }),
  mishaps: fc.array(mishap, { maxLength: 6 }),
});

describe('leadership', () => {
  it('is never of two at a time, whatever happens, and of one again when nothing does', async () => {
    let changes = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ clocks, passages, mishaps }) => {
        const world = new LeaseWorld();
        let sent = 0;
        world.passage = () => passages[sent++ % passages.length]!;
        const all = clocks.map((clock, index) => world.join(`candidate-${index}`, clock));
        const ended = new Set<TestCandidate>();
        const resigned: Promise<void>[] = [];
        const startMs = world.clock.nowMs();
        for (const { atMs, who, what, durationMs } of mishaps) {
          const candidate = all[who % all.length]!;
          world.clock.at(startMs + atMs, () => {
            if (what === 'freeze') candidate.freeze(durationMs);
            else ended.add(candidate);
            if (what === 'crash') candidate.crash();
            if (what === 'resign') resigned.push(candidate.leadership.stop());
          });
        }
        const runUntil = async (untilMs: number): Promise<void> => {
          while ((world.clock.nextAtMs ?? Infinity) <= untilMs) {
            world.clock.step();
            await settle();
            const leaders = all.filter(({ isLeader }) => isLeader);
            if (leaders.length > 1)
              expect.fail(`${leaders.map(({ identity }) => identity).join(' and ')} lead`);
          }
          world.clock.runUntil(untilMs);
        };
        await runUntil(startMs + LONGEST_MS);
        changes += all.reduce((sum, { turns }) => sum + turns.length, 0);
        world.passage = () => ({ requestMs: 1, answerMs: 1 });
        await runUntil(startMs + LONGEST_MS + 40_000);
        const rest = all.filter((candidate) => !ended.has(candidate));
        expect(rest.filter(({ isLeader }) => isLeader)).toHaveLength(Math.min(1, rest.length));
      }),
      { numRuns: 200 },
    );
    expect(changes).toBeGreaterThan(300); // it was about something
  });
});
