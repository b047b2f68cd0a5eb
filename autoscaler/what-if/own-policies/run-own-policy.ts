import { Worker } from 'node:worker_threads';
import { messageOf } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import { formatDuration } from '../../../models/base/units.ts';
import type { PolicyReport } from '../report/report.ts';
import type { PolicyRun } from '../run-policy.ts';
import type { OwnPolicyFile } from './own-policy.ts';

/** A policy of the user's that is left out; the message is a sentence that names it. */
export class OwnPolicyFailure extends Error {
  override readonly name = 'OwnPolicyFailure';

  constructor({ file }: OwnPolicyFile, reason: string) {
    super(`policy ${file} is left out: ${reason.replace(/\.$/, '')}`);
  }
}

export type FromWorker =
  /** Where its virtual clock is. */
  | { readonly type: 'progress'; readonly atMs: number }
  | { readonly type: 'report'; readonly report: PolicyReport }
  | { readonly type: 'failed'; readonly reason: string };

export interface OwnPolicyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (atMs: number) => void;
  /** It is ended when its virtual clock has stood still for so long. Default: a minute. */
  readonly stallMs?: number;
}

const STALL_MS = 60_000;
/** After an interruption, so long for what there is by then. */
const LAST_STALL_MS = 5_000;

/**
 * Runs a policy of the user's in a thread of its own: what hangs there, or throws, or ends the process, does
 * no harm here. What it prints goes to standard error.
 *
 * @throws OwnPolicyFailure when it fails or makes no progress
 */
export async function runOwnPolicy(
  policy: OwnPolicyFile,
  run: PolicyRun,
  { signal, onProgress, stallMs = STALL_MS }: OwnPolicyOptions = {},
): Promise<PolicyReport> {
  const worker = new Worker(programFile('autoscaler/what-if/own-policies/policy-worker'), {
    workerData: { policy, run },
    stdout: true,
    stderr: true,
  });
  worker.stdout.pipe(process.stderr, { end: false });
  worker.stderr.pipe(process.stderr, { end: false });
  const stop = (): void => worker.postMessage('stop');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<PolicyReport>((resolve, reject) => {
      let reachedMs = -1;
      const fail = (reason: string): void => reject(new OwnPolicyFailure(policy, reason));
      const isStalled = (): void => {
        const where =
          reachedMs < 0
            ? 'it did not begin'
            : `it stands still at ${formatDuration(reachedMs)} of the simulated time`;
        fail(`${where} for ${formatDuration(signal?.aborted ? LAST_STALL_MS : stallMs)}`);
      };
      let stall = setTimeout(isStalled, stallMs);
      const progressed = (withinMs: number): void => {
        clearTimeout(stall);
        stall = setTimeout(isStalled, withinMs);
      };
      signal?.addEventListener('abort', () => progressed(LAST_STALL_MS), { once: true });
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'failed') fail(message.reason);
        else if (message.type === 'report') resolve(message.report);
        else if (message.atMs > reachedMs) {
          reachedMs = message.atMs;
          progressed(signal?.aborted ? LAST_STALL_MS : stallMs);
          onProgress?.(reachedMs);
        }
      });
      worker.on('error', (error) => fail(`it failed: ${messageOf(error)}`));
      worker.on('exit', () => fail('it ended its thread'));
      worker.on('exit', () => clearTimeout(stall));
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
