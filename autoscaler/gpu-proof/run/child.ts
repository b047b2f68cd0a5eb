import { type ChildProcess, fork } from 'node:child_process';
import { programFile } from '../../../models/base/package.ts';
import { formatDuration } from '../../../models/base/units.ts';
import type { Letter } from '../plan.ts';
import type { StepMessage, StepOrder, Verdict } from '../step.ts';

export interface StepRun {
  readonly letter: Letter;
  readonly order: StepOrder;
  readonly limitMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly onDoing: (what: string) => void;
  readonly onFigures: (figures: Readonly<Record<string, unknown>>) => void;
}

/** What is kept of a process's last words. */
const TAIL = 2000;

/**
 * Runs a step in a process group of its own, and ends the whole group when it is over or its time is.
 * Whatever becomes of the process, there is a verdict.
 */
export async function runStep(run: StepRun, signal: AbortSignal): Promise<Verdict> {
  const child = fork(programFile('autoscaler/gpu-proof/run/step-process'), [run.letter], {
    env: run.environment,
    execArgv: [],
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let at = 'starting';
  let words = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-TAIL);
    });
  }
  const verdict = new Promise<Verdict>((resolve) => {
    const failed = (sentence: string): void => resolve({ outcome: 'failed', sentence });
    child.on('message', (message: StepMessage) => {
      if (message.type === 'verdict') resolve(message.verdict);
      else if (message.type === 'figures') run.onFigures(message.figures);
      else {
        at = message.what;
        run.onDoing(at);
      }
    });
    child.on('error', (error) => failed(`The step could not be started (${error.message}).`));
    child.on('exit', (code, killedBy) => {
      // What it has sent may still be on its way.
      setTimeout(
        () => failed(`The step ended with ${killedBy ?? `code ${code}`} at "${at}"${lastWord(words)}.`),
        100,
      );
    });
    setTimeout(
      () =>
        failed(
          `The step was not done within ${formatDuration(run.limitMs)}; it was at "${at}"${lastWord(words)}.`,
        ),
      run.limitMs,
    ).unref();
    signal.addEventListener(
      'abort',
      () => resolve({ outcome: 'skipped', sentence: `Interrupted at "${at}".` }),
      {
        once: true,
      },
    );
  });
  const ended = new Promise<void>((resolve) =>
    child.on('exit', () => resolve()).on('error', () => resolve()),
  );
  child.send(run.order, () => undefined);
  try {
    return await verdict;
  } finally {
    killGroup(child);
    await ended;
  }
}

function lastWord(words: string): string {
  const line = words
    .split('\n')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .at(-1);
  return line === undefined ? '' : ` (${line.slice(0, 200)})`;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // all of it is gone already
  }
}
