import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Stands in the environment of all that a proof starts, however far it gets from us. */
export const MARK = 'INFLESS_PROOF';

const PATIENCE_MS = 1500;

/** A process that a step has started, and that was still there after it. */
export interface Leftover {
  readonly pid: number;
  readonly name: string;
}

/**
 * Ends what a step has left behind: MPS daemons in good order, since they hold on to the card, then every
 * process that carries our mark. Only on Linux can others' environments be read; elsewhere nothing is found.
 *
 * @param environment of the step
 * @returns what was there, ended by now
 */
export async function endLeftovers(environment: NodeJS.ProcessEnv): Promise<readonly Leftover[]> {
  const mark = `${MARK}=${environment[MARK]}`;
  const left = await processesWith(mark);
  if (left.length > 0 || (await hasMpsFolders(environment.TMPDIR))) await quitMps(environment);
  for (const { pid } of await processesWith(mark)) kill(pid);
  for (let waited = 0; waited < PATIENCE_MS && (await processesWith(mark)).length > 0; waited += 20)
    await sleep(20);
  return left;
}

async function hasMpsFolders(folder: string | undefined): Promise<boolean> {
  return (await mpsFolders(folder)).length > 0;
}

async function mpsFolders(folder: string | undefined): Promise<readonly string[]> {
  if (folder === undefined) return [];
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.startsWith('infless-mps-')).map((name) => join(folder, name));
}

async function quitMps(environment: NodeJS.ProcessEnv): Promise<void> {
  for (const folder of await mpsFolders(environment.TMPDIR)) {
    const control = spawn('nvidia-cuda-mps-control', [], {
      env: {
        ...environment,
        CUDA_MPS_PIPE_DIRECTORY: join(folder, 'pipe'),
        CUDA_MPS_LOG_DIRECTORY: join(folder, 'log'),
      },
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    });
    control.stdin.on('error', () => undefined);
    control.stdin.end('quit\n');
    await once(control, 'close').catch(() => undefined); // not installed: then there is no daemon either
  }
}

/** Of MPS, as far as this process' proof has started them; called in a step. */
export async function mpsProcesses(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<readonly Leftover[]> {
  const ours = await processesWith(`${MARK}=${environment[MARK]}`);
  return ours.filter(({ name }) => name.includes('nvidia-cuda-mps'));
}

async function processesWith(mark: string): Promise<readonly Leftover[]> {
  const found: Leftover[] = [];
  for (const name of await readdir('/proc').catch(() => [])) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (!environ.split('\0').includes(mark)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // one that has ended has none
    if (command !== '') found.push({ pid, name: command.split('\0').join(' ').trim().slice(0, 200) });
  }
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}
