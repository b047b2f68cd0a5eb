/** A real autoscaler on loopback, as a person starts it, and what is looked at beside its interface. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { programFile } from '../../../dist/models/base/package.js';
import { profileModel } from '../../../dist/profiler/sweep/profile-model.js';

const HARM = pathToFileURL(fileURLToPath(new URL('./harm.mjs', import.meta.url))).href;

/** The function of the drills: three instances of half a core, if there are not more asked for. */
export const FUNCTION = {
  name: 'digits',
  model: 'mnist',
  slo: '500ms',
  limits: { cpu: 0.5 },
  scale: { min: 3, max: 3 },
};
export const SLO_MS = 500;

/** A cache with mnist measured here. */
export async function measuredCache() {
  const folder = await mkdtemp(join(tmpdir(), 'infless-chaos-cache-'));
  process.env.INFLESS_CACHE_DIR = folder;
  await profileModel('mnist', { quick: true, batches: [1, 4, 8], cpuMillicores: [500], cellTimeMs: 200 });
  return { remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A row of the model's input, told from others by its first value. */
export function body(mark = 0) {
  const image = Array.from({ length: 28 }, () => Array.from({ length: 28 }, () => [0]));
  image[0][0][0] = mark;
  return JSON.stringify({ instances: [image] });
}

export class Autoscaler {
  stderr = '';
  #child;

  /** @param options `stateDirectory`; `stderr`: a file descriptor for its log */
  constructor({ stateDirectory, stderr = 'pipe' }) {
    this.stateDirectory = stateDirectory;
    const args = [programFile('autoscaler/bin'), '--port', '0', '--state-dir', stateDirectory];
    this.#child = spawn(process.execPath, args, {
      env: { ...process.env, NODE_OPTIONS: `--import=${HARM}`, NO_COLOR: '1' },
      stdio: ['ignore', 'ignore', stderr, 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.exited = once(this.#child, 'exit').then(([code, signal]) => code ?? signal);
  }

  static async start(options = {}) {
    const stateDirectory = options.stateDirectory ?? (await mkdtemp(join(tmpdir(), 'infless-chaos-')));
    const autoscaler = new Autoscaler({ ...options, stateDirectory });
    await autoscaler.listening();
    return autoscaler;
  }

  get pid() {
    return this.#child.pid;
  }

  get hasExited() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Told by the state folder too, where the log leads to a disk that is full. */
  async listening(timeoutMs = 30_000) {
    await until(() => {
      if (this.hasExited) throw new Error(`the autoscaler ended: ${this.stderr.slice(-500)}`);
      this.url ??= /"url":"([^"]+)"/.exec(this.stderr)?.[1];
      return this.url !== undefined;
    }, timeoutMs);
  }

  signal(name) {
    this.#child.kill(name);
  }

  async request(method, path, content) {
    const password = await readFile(join(this.stateDirectory, 'basic-auth-password'), 'utf8').catch(() => '');
    return fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Basic ${btoa(`admin:${password.trim()}`)}`,
        ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(content === undefined ? {} : { body: JSON.stringify(content) }),
    });
  }

  async declare(declaration = FUNCTION) {
    const answer = await this.request('POST', '/api/functions', declaration);
    await answer.arrayBuffer();
    return answer.status;
  }

  async instances(name = FUNCTION.name) {
    const answer = await this.request('GET', `/api/functions/${name}`);
    return answer.ok ? (await answer.json()).instances : [];
  }

  async ready(count = FUNCTION.scale.min, name = FUNCTION.name, timeoutMs = 60_000) {
    await until(async () => {
      const instances = await this.instances(name);
      return instances.filter(({ phase }) => phase === 'ready').length >= count;
    }, timeoutMs);
  }

  /** Processes of its instances: by their record, whatever the autoscaler says. */
  async pids() {
    const folder = join(this.stateDirectory, 'instances');
    const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.json'));
    const records = await Promise.all(
      files.map((file) => readFile(join(folder, file), 'utf8').catch(() => '')),
    );
    return records.flatMap((text) => (text === '' ? [] : [JSON.parse(text).process.pid]));
  }

  async stop() {
    if (!this.hasExited) this.signal('SIGINT');
    await Promise.race([this.exited, sleep(40_000)]);
    if (!this.hasExited) this.signal('SIGKILL');
    for (const pid of await this.pids()) kill(pid, 'SIGKILL');
    await rm(this.stateDirectory, { recursive: true, force: true });
  }
}

/** Every serving process of a state folder, by its open log, whatever is written down of it. */
export async function servingProcesses(stateDirectory) {
  const logs = join(stateDirectory, 'instances');
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const target = await readlink(`/proc/${pid}/fd/2`).catch(() => '');
      return target.startsWith(logs) && pid !== process.pid ? pid : undefined;
    }),
  );
  return found.filter((pid) => pid !== undefined);
}

export function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}

/** @returns how long it took, in ms */
export async function until(condition, timeoutMs, lookMs = 50) {
  const startMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startMs > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${condition}`);
    await sleep(lookMs);
  }
  return performance.now() - startMs;
}
