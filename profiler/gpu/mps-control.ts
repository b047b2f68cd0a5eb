import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const MPS_CONTROL = 'nvidia-cuda-mps-control';

/** The daemon answers at once; one that hangs must not hang us. */
const TIMEOUT_MS = 4_000;

/** Whether the driver's programs for it are there; whether they start, starting tells. */
export function isMpsInstalled(environment: NodeJS.ProcessEnv = process.env): boolean {
  return (environment.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, MPS_CONTROL)));
}

/** Runs the control program: with `-d` it becomes the daemon, else it passes commands on to it. */
export function control(
  args: readonly string[],
  commands: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // The daemon keeps what it inherits open; were its output a pipe, we would wait for it for ever.
    const child = spawn(MPS_CONTROL, [...args], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: TIMEOUT_MS,
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${MPS_CONTROL} ended with ${signal ?? `code ${code}`}`));
    });
    child.stdin.on('error', () => undefined); // it ended without reading; its exit code tells
    child.stdin.end(commands);
  });
}
