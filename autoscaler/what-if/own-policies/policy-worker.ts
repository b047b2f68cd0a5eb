/** Runs one policy of the user's in a thread of its own: see run-own-policy.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../models/base/errors.ts';
import { type PolicyRun, runPolicy } from '../run-policy.ts';
import { loadOwnPolicy, type OwnPolicyFile } from './own-policy.ts';
import type { FromWorker } from './run-own-policy.ts';

/** How often it is told where the virtual clock is. */
const HEARTBEAT_MS = 250;

const { policy, run } = workerData as { readonly policy: OwnPolicyFile; readonly run: PolicyRun };
const port = parentPort!;
const ending = new AbortController();

function tell(message: FromWorker): void {
  port.postMessage(message);
}

/** The first failure counts: those after it may come of it. */
function failed(error: unknown): void {
  if (!ending.signal.aborted) tell({ type: 'failed', reason: messageOf(error) });
  ending.abort();
}

port.on('message', () => ending.abort()); // the only message there is
try {
  const loaded = await loadOwnPolicy(policy, failed);
  const report = await runPolicy(loaded, run, {
    signal: ending.signal,
    onClock: (clock) => setInterval(() => tell({ type: 'progress', atMs: clock.nowMs() }), HEARTBEAT_MS),
  });
  tell({ type: 'report', report });
} catch (error) {
  failed(error);
}
