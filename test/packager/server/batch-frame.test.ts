import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeBatchReply,
  decodeBatchRequest,
  encodeBatchReply,
  encodeBatchRequest,
} from '../../../packager/server/batch-frame.ts';

const body = fc.uint8Array({ maxLength: 200 });
const requests = fc.array(fc.record({ path: fc.string(), contentType: fc.string(), body }), { minLength: 1 });
const milliseconds = fc.double({ min: 0, max: 1e6, noNaN: true, noDefaultInfinity: true });
const reply = fc.record(
  {
    responses: fc.array(
      fc.record({ status: fc.integer({ min: 200, max: 599 }), contentType: fc.string(), body }),
    ),
    timing: fc.record({
      decodeMs: milliseconds,
      executeMs: milliseconds,
      encodeMs: milliseconds,
      rows: fc.nat(),
    }),
    ranAlone: fc.string(),
  },
  { requiredKeys: ['responses', 'timing'] },
);

describe('batch frame', () => {
  test('requests come out as they went in', () => {
    fc.assert(
      fc.property(requests, (batch) => {
        expect(decodeBatchRequest(encodeBatchRequest(batch))).toEqual(batch);
      }),
    );
  });

  test('replies come out as they went in', () => {
    fc.assert(
      fc.property(reply, (batch) => {
        const decoded = decodeBatchReply(encodeBatchReply(batch));
        // JSON has no -0, and nothing depends on it.
        expect(decoded.responses).toEqual(batch.responses);
        expect(decoded.ranAlone).toBe(batch.ranAlone);
        expect('ranAlone' in decoded).toBe('ranAlone' in batch);
        for (const [name, value] of Object.entries(batch.timing)) {
          expect(decoded.timing[name as 'rows'] === value, name).toBe(true);
        }
      }),
    );
  });

  test('bodies are views into the frame, wherever it lies in its buffer', () => {
    const frame = encodeBatchRequest([{ path: '/', contentType: 'a/b', body: new Uint8Array([1, 2, 3]) }]);
    const shifted = new Uint8Array(frame.length + 7).subarray(7);
    shifted.set(frame);
    const [decoded] = decodeBatchRequest(shifted);
    expect(decoded!.body).toEqual(new Uint8Array([1, 2, 3]));
    expect(decoded!.body.buffer).toBe(shifted.buffer);
  });

  test('a frame cut short or grown is refused, wherever it is cut', () => {
    const frame = encodeBatchRequest([
      { path: '/', contentType: 'application/json', body: new Uint8Array(5) },
      { path: '/x', contentType: 'application/json', body: new Uint8Array(3) },
    ]);
    for (let length = 0; length < frame.length; length += 1) {
      expect(() => decodeBatchRequest(frame.subarray(0, length))).toThrow(/^The batch frame /);
    }
    const grown = new Uint8Array(frame.length + 1);
    grown.set(frame);
    expect(() => decodeBatchRequest(grown)).toThrow('The batch frame has 1 bytes behind its last body');
  });

  test('a header of another shape is told by field', () => {
    const header = new TextEncoder().encode('{"requests":[{"path":1,"contentType":"","length":0}]}');
    const frame = new Uint8Array(4 + header.length);
    new DataView(frame.buffer).setUint32(0, header.length, true);
    frame.set(header, 4);
    expect(() => decodeBatchRequest(frame)).toThrow(
      'The header of the batch frame is not valid at "requests[0].path"',
    );
  });

  test('has a bounded number of requests, told before they are looked at', () => {
    const empty = { path: '/', contentType: '', body: new Uint8Array() };
    const frame = encodeBatchRequest(Array.from({ length: 5 }, () => empty));
    expect(decodeBatchRequest(frame, 5)).toHaveLength(5);
    expect(() => decodeBatchRequest(frame, 4)).toThrow('has 5 requests, and 4 requests are taken here');
    const huge = encodeBatchRequest([{ ...empty, path: 'x'.repeat(100_000) }]);
    expect(() => decodeBatchRequest(huge, 2)).toThrow(/^The batch frame has a header of \d+ bytes/);
  });
});
