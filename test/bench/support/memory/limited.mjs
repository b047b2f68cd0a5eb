import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { programFile } from '../../../../dist/models/base/package.js';

/** How the two versions of cgroups call what we need. */
const V1 = {
  root: '/sys/fs/cgroup/memory',
  limit: 'memory.limit_in_bytes',
  peak: 'memory.max_usage_in_bytes',
};
const V2 = { root: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak' };

/** A cgroup with a memory limit, for one process. */
export class LimitedGroup {
  #path;
  #names;

  /** Undefined where this user may make none. */
  static async make(name, limitBytes) {
    const names = existsSync(V1.root) ? V1 : V2;
    const group = new LimitedGroup();
    group.#names = names;
    group.#path = `${names.root}/${name}`;
    try {
      await mkdir(group.#path);
      await writeFile(`${group.#path}/${names.limit}`, String(limitBytes));
      return group;
    } catch {
      await rmdir(group.#path).catch(() => {});
      return undefined;
    }
  }

  /** A shell that enters the group and becomes the program: it is under the limit from its first byte on. */
  spawn(program, options) {
    const script = `echo $$ > ${this.#path}/cgroup.procs && exec "$0" "$@"`;
    return spawn('/bin/sh', ['-c', script, ...program], options);
  }

  async peakBytes() {
    const text = await readFile(`${this.#path}/${this.#names.peak}`, 'utf8').catch(() => '');
    return text === '' ? undefined : Number(text);
  }

  async remove() {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      if (
        await rmdir(this.#path).then(
          () => true,
          () => false,
        )
      )
        return;
      await sleep(20); // its process is still ending
    }
  }
}

/** A serving process in the group, as a container runs it. */
export async function startLimited(group, environment) {
  const child = group.spawn([process.execPath, programFile('packager/server/bin')], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, INFLESS_HOST: '127.0.0.1', INFLESS_PORT: '0', ...environment },
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log = (log + text).slice(-4000);
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, log }));
  const started = await Promise.race([once(child, 'message').then(([message]) => message), ended]);
  if (started.port === undefined) return { child, ended, isUp: false };
  const url = `http://127.0.0.1:${started.port}`;
  for (;;) {
    const ready = await Promise.race([fetch(`${url}/_/ready`).catch(() => undefined), ended]);
    if (ready === undefined || 'code' in ready) return { child, ended, isUp: false };
    await ready.text();
    if (ready.status === 200) return { child, ended, isUp: true, url };
    await sleep(20);
  }
}
