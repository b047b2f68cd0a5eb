import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Load } from './load.mjs';
import { Autoscaler, FUNCTION, kill } from './world.mjs';

const run = promisify(execFile);
const FULL_LENGTH_MS = 300_000;

/**
 * The disk of the state folder and of the log is full for a while: calls are answered, an instance that dies comes
 * back, and each change by REST takes effect and survives a restart, or is refused.
 */
export async function fullDisk(scale) {
  const folder = await mkdtemp(join(tmpdir(), 'infless-chaos-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]);
  let autoscaler;
  try {
    const log = await open(join(folder, 'log'), 'a');
    const stateDirectory = join(folder, 'state');
    autoscaler = new Autoscaler({ stateDirectory, stderr: log.fd });
    await log.close();
    const { readFile } = await import('node:fs/promises');
    while (!autoscaler.stderr.includes('"url"')) {
      autoscaler.stderr = await readFile(join(folder, 'log'), 'utf8');
      await sleep(100);
    }
    await autoscaler.listening();
    await autoscaler.declare();
    await autoscaler.ready();
    const load = new Load(() => autoscaler.url);
    const partMs = Math.max(5_000, (FULL_LENGTH_MS * scale) / 3);
    await sleep(partMs / 2);
    const ballast = await fill(folder);
    const changes = [await change(autoscaler, 'made-on-full')];
    kill((await autoscaler.pids())[0], 'SIGKILL');
    await sleep(partMs);
    await autoscaler.ready();
    await rm(ballast);
    const startMs = performance.now();
    changes.push(await change(autoscaler, 'made-after'));
    const recoveredMs = performance.now() - startMs;
    const outcome = await load.end();
    autoscaler.signal('SIGTERM');
    await autoscaler.exited;
    const next = await Autoscaler.start({ stateDirectory });
    autoscaler = next;
    const wrong = [];
    for (const { name, status } of changes) {
      const isThere = (await next.request('GET', `/api/functions/${name}`)).status === 200;
      if (isThere !== (status === 201)) wrong.push(`${name}: ${status}, and after a restart ${isThere}`);
    }
    if (changes[1].status !== 201) wrong.push(`with room again: ${changes[1].status}`);
    const what = [load.failureText, ...wrong, `on the full disk: ${changes[0].status}`]
      .filter(Boolean)
      .join('; ');
    return { ...outcome, recoveredMs, held: outcome.failed === 0 && wrong.length === 0, what };
  } finally {
    await autoscaler?.stop().catch(() => {}); // the folder is a mount
    await run('umount', ['-l', folder]);
    await rm(folder, { recursive: true, force: true });
  }
}

async function change(autoscaler, name) {
  return { name, status: await autoscaler.declare({ ...FUNCTION, name, scale: { min: 0, max: 1 } }) };
}

/** Leaves no room on the disk of a folder. */
async function fill(folder) {
  const file = join(folder, 'ballast');
  const handle = await open(file, 'w');
  try {
    for (;;) {
      const { bavail, bsize } = await statfs(folder);
      if (bavail === 0) return file;
      await handle.write(Buffer.alloc(Math.max(bsize, (bavail * bsize) >> 1)));
    }
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
    return file;
  } finally {
    await handle.close();
  }
}
