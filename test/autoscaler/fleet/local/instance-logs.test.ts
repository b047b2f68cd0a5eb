import { appendFile, mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InstanceLogs } from '../../../../autoscaler/fleet/local/instance-logs.ts';
import type { LogLine, LogQuery } from '../../../../autoscaler/fleet/platform.ts';
import { systemClock } from '../../../../models/base/clock.ts';

let directory: string;
let logs: InstanceLogs;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'infless-logs-'));
  logs = new InstanceLogs(directory);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const file = (id: string): string => join(directory, `${id}.log`);

describe('the last words of an instance', () => {
  it('are its plain lines and its errors, without colours and ordinary life', async () => {
    await writeFile(
      file('a'),
      `${[
        '{"level":30,"msg":"listening"}',
        '{"level":50,"stack":"Error: no such op\\n    at run","msg":"defect in the inference thread"}',
        '\u001b[31merror\u001b[39m: File m.onnx is no model.',
      ].join('\n')}\n`,
    );
    expect(await logs.tail('a')).toBe(
      'defect in the inference thread: Error: no such op | error: File m.onnx is no model.',
    );
  });

  it('are few, however much it said', async () => {
    await writeFile(file('a'), `${Array.from({ length: 5_000 }, (_, i) => `line ${i}`).join('\n')}\n`);
    expect(await logs.tail('a')).toBe('line 4997 | line 4998 | line 4999');
    await writeFile(file('b'), 'x'.repeat(10_000));
    expect((await logs.tail('b')).length).toBeLessThan(400);
  });

  it('are none where it said nothing', async () => {
    expect(await logs.tail('silent')).toBe('');
  });
});

describe('logs', () => {
  it('of the newest instances that are gone are kept, and of all that run', async () => {
    for (let age = 0; age < 30; age += 1) {
      await writeFile(file(`i${age}`), 'x');
      await utimes(file(`i${age}`), 1_000_000 - age, 1_000_000 - age);
    }
    await logs.prune(new Set(['i29']));
    const kept = (await readdir(directory)).map((name) => Number(/\d+/.exec(name)?.[0]));
    expect(kept.sort((a, b) => a - b)).toEqual([...Array.from({ length: 20 }, (_, age) => age), 29]);
  });

  it('are emptied when they have grown too long, and go on', async () => {
    const log = await logs.open('a');
    await truncate(file('a'), 17 * 2 ** 20);
    await writeFile(file('b'), 'short');
    await logs.trim(['a', 'b', 'never-there']);
    await log.write('further');
    await log.close();
    expect((await stat(file('a'))).size).toBe('further'.length);
    expect((await stat(file('b'))).size).toBe('short'.length);
  });
});

describe('reading logs', () => {
  const at = (second: number, msg: string): string =>
    `${JSON.stringify({ level: 30, time: 1_790_000_000_000 + second * 1000, msg })}\n`;

  function read(functionName: string, query: Partial<LogQuery> = {}): AsyncIterable<LogLine> {
    const whole = { follow: false, signal: new AbortController().signal, ...query };
    return logs.read(functionName, whole, systemClock);
  }

  function linesOf(functionName: string, query: Partial<LogQuery> = {}): Promise<LogLine[]> {
    return Readable.from(read(functionName, query)).toArray();
  }

  async function all(functionName: string, query: Partial<LogQuery> = {}): Promise<string[]> {
    return (await linesOf(functionName, query)).map(messageOf);
  }

  function messageOf({ instanceId, text }: LogLine): string {
    const message = text.startsWith('{') ? (JSON.parse(text) as { msg: string }).msg : text;
    return `${instanceId}: ${message}`;
  }

  beforeEach(async () => {
    for (const id of ['a', 'b']) logs.register(id, 'f');
    logs.register('c', 'other');
    await writeFile(file('a'), `${at(1, 'one')}    at line two\n${at(4, 'four')}`);
    await writeFile(file('b'), `${at(3, 'three')}${at(5, 'five')}unfinished`);
    await writeFile(file('c'), at(2, 'of another function'));
  });

  it('tells the lines of all instances of a function in the order of time', async () => {
    expect(await all('f')).toEqual([
      'a: one',
      'a:     at line two',
      'b: three',
      'a: four',
      'b: five',
      'b: unfinished',
    ]);
    expect(await all('unknown')).toEqual([]);
  });

  it('gives a line that tells no time that of the line before it', async () => {
    const lines = await linesOf('f');
    expect(lines.map(({ timestampMs }) => timestampMs - 1_790_000_000_000)).toEqual([
      1000, 1000, 3000, 4000, 5000, 5000,
    ]);
  });

  it('gives the newest lines of each instance, and those since a moment', async () => {
    expect(await all('f', { tailLines: 1 })).toEqual(['a: four', 'b: unfinished']);
    expect(await all('f', { tailLines: 0 })).toEqual([]);
    expect(await all('f', { sinceMs: 1_790_000_004_000 })).toEqual(['a: four', 'b: five', 'b: unfinished']);
  });

  it('reads characters and lines that are cut by the edge of what is read at once', async () => {
    const lines = Array.from({ length: 4000 }, (_, index) => `${'é'.repeat(index % 90)} ${index}`);
    await writeFile(file('c'), `${lines.join('\n')}\n`);
    expect(await all('other')).toEqual(lines.map((line) => `c: ${line}`));
  });

  it('follows what is added, by instances to come as well, also after a log was emptied', async () => {
    const stop = new AbortController();
    const lines = read('f', { follow: true, tailLines: 1, signal: stop.signal })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => messageOf((await lines.next()).value as LogLine);
    expect(await next()).toBe('a: four');
    expect(await next()).toBe('b: five');
    await appendFile(file('b'), ' line\n');
    expect(await next()).toBe('b: unfinished line');
    logs.register('d', 'f');
    await writeFile(file('d'), at(9, 'nine'));
    expect(await next()).toBe('d: nine');
    await truncate(file('d'), 0);
    await appendFile(file('d'), 'ten\n');
    expect(await next()).toBe('d: ten');
    await rm(file('a'));
    await appendFile(file('b'), 'still there\n');
    expect(await next()).toBe('b: still there');
    stop.abort();
    expect(await lines.next()).toMatchObject({ done: true });
  });
});
