import { expect, test } from 'vitest';
import { LogStream } from '../../../packager/server/stderr-log.ts';

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** What the next writes do: fail, or take so many bytes; then all is taken. */
function streamOver(...outcomes: (string | number)[]): { readonly log: LogStream; written(): string } {
  let written = '';
  const log = new LogStream(2, (_fd, bytes) => {
    const outcome = outcomes.shift();
    if (typeof outcome === 'string') throw failure(outcome);
    const taken = bytes.subarray(0, outcome ?? bytes.byteLength);
    written += Buffer.from(taken).toString();
    return taken.byteLength;
  });
  return { log, written: () => written };
}

test('lines that find no room are lost and counted, and end nothing', () => {
  const { log, written } = streamOver('ENOSPC', 'ENOSPC');
  for (const line of ['one\n', 'two\n', 'three\n']) log.write(line);
  const [report, line] = written().split('\n');
  expect(JSON.parse(report!)).toMatchObject({
    level: 40,
    lines: 2,
    reason: expect.stringMatching(/: ENOSPC$/),
    msg: 'log lines were lost',
  });
  expect(line).toBe('three');
  log.write('four\n');
  expect(written()).toMatch(/three\nfour\n$/);
});

test('a line that was cut is not gone on with', () => {
  const { log, written } = streamOver(2, 'ENOSPC');
  for (const line of ['first\n', 'second\n']) log.write(line);
  const [cut, report, line] = written().split('\n');
  expect([cut, JSON.parse(report!).lines, line]).toEqual(['fi', 1, 'second']);
});

test('a pipe that is full for a moment loses nothing', () => {
  const { log, written } = streamOver('EAGAIN', 3, 'EAGAIN');
  log.write('first\n');
  expect(written()).toBe('first\n');
});

test('a reader that is gone ends nothing', () => {
  const { log } = streamOver(...Array<string>(5).fill('EPIPE'));
  expect(() => log.write('first\n')).not.toThrow();
});
