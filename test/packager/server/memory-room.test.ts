import { totalmem } from 'node:os';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memoryLimitBytes, requireRoomForWeights, roomFor } from '../../../packager/server/memory-room.ts';

const MIB = 2 ** 20;

it('all that is let in stays below the limit', () => {
  const bytes = fc.integer({ min: 64 * MIB, max: 2 ** 40 });
  fc.assert(
    fc.property(bytes, fc.double({ min: 0.1, max: 0.9, noNaN: true }), (limit, share) => {
      const resident = limit * share;
      const { heldBytes, decodedBytes } = roomFor(limit, resident);
      // bodies and answers held, and beside them what is decoded, and as much for what comes out
      const most = resident + heldBytes + 2 * decodedBytes;
      expect(most).toBeLessThanOrEqual(Math.max(limit * 0.95, resident) + 3 * MIB);
    }),
  );
});

it('a process that fills its limit still answers small requests', () => {
  expect(roomFor(300 * MIB, 310 * MIB)).toEqual({ heldBytes: MIB, decodedBytes: MIB });
});

it('a limit beyond the machine is none', () => {
  const limit = memoryLimitBytes();
  expect(limit === undefined || (limit > 0 && limit < totalmem())).toBe(true);
});

it('a model whose weights do not fit is refused in one sentence, before it is loaded', () => {
  const process = { limitBytes: 272e6, residentBytes: 100e6 };
  expect(() => requireRoomForWeights(172e6, process)).not.toThrow();
  expect(() => requireRoomForWeights(500e6, { ...process, limitBytes: undefined })).not.toThrow();
  expect(() => requireRoomForWeights(173e6, process)).toThrow(
    expect.objectContaining({
      sentence:
        'The memory limit is 272.0 MB, and the weights of the model (173.0 MB) do not fit beside the process (100.0 MB). Raise the memory limit: the profile table of the model says how much an instance takes.',
    }),
  );
});
