import { fork } from 'node:child_process';
import { once } from 'node:events';
import { InflessError } from '../../models/base/errors.ts';
import { programFile } from '../../models/base/package.ts';
import { type ErrorRecord, fromErrorRecord, toErrorRecord } from '../server/inference/messages.ts';

type ProcessResult<T> = { readonly value: T } | { readonly error: ErrorRecord };

/**
 * Has another process do what takes much memory, so that ours stays as small as streams are.
 *
 * @param program such as `packager/contents/runtime/trace-process`; it calls {@link answerParent}
 * @throws InflessError as the program threw it; PLATFORM_FAILED where the process ended without an answer
 */
export async function askOwnProcess<T>(
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const child = fork(programFile(program), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  });
  // Not by the option of fork: that one emits an error beside ending the process, and nothing softer is heard
  // in native code.
  const kill = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', kill);
  let outcome: ProcessResult<T> | undefined;
  child.on('message', (message) => {
    outcome = message as ProcessResult<T>;
  });
  const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null];
  signal?.removeEventListener('abort', kill);
  signal?.throwIfAborted();
  if (outcome === undefined) {
    throw new InflessError(
      'PLATFORM_FAILED',
      `The process ${program} ended without an answer (${killedBy ?? code})`,
      {
        remedy: 'There may be too little memory for it.',
      },
    );
  }
  if ('error' in outcome) throw fromErrorRecord(outcome.error);
  return outcome.value;
}

/** The other end: sends what the function returns or throws. A defect ends the process with its stack. */
export async function answerParent<T>(find: () => Promise<T>): Promise<void> {
  let outcome: ProcessResult<T>;
  try {
    outcome = { value: await find() };
  } catch (error) {
    const record = toErrorRecord(error);
    if (record === undefined) throw error;
    outcome = { error: record };
  }
  process.send!(outcome);
}
