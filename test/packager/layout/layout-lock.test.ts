import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LOCK_FILE, whileLocked } from '../../../packager/layout/layout-lock.ts';

let layout: string;
beforeEach(async () => {
  layout = await mkdtemp(join(tmpdir(), 'infless-lock-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(layout, { recursive: true });
});

test('the lock is there while something is changed, and only then', async () => {
  const lock = join(layout, LOCK_FILE);
  await whileLocked(layout, () => access(lock));
  await expect(access(lock)).rejects.toThrow('ENOENT');
  await expect(whileLocked(layout, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(access(lock)).rejects.toThrow('ENOENT');
});

test('who has lost it says so, instead of dying', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const work = async (): Promise<void> => {
    await rm(join(layout, LOCK_FILE), { recursive: true }); // as the one who took us for dead does
    await vi.advanceTimersByTimeAsync(6000); // it is renewed every five seconds
    for (const end = performance.now() + 200; performance.now() < end; ) await setImmediate();
  };
  await expect(whileLocked(layout, work)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: `Layout ${layout} was taken over by another process, since this one stood still for longer than 10 s`,
  });
});
