import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InstanceLogs } from '../../autoscaler/platforms/local/instance-logs.ts';

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
