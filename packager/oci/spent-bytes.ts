import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** V8 by itself lets 32 MB of dead buffers pile up before it looks at them. */
const COLLECT_BYTES = 8 << 20;

type CollectGarbage = (options: { readonly type: 'minor' }) => void;

let collect: CollectGarbage | undefined;
let spentBytes = 0;

/**
 * Told of every part of a stream that has been passed on. Now and then it has the young heap cleared, a
 * millisecond's work, so that what is read from large files does not stay in memory for long.
 */
export function spent(sizeBytes: number): void {
  spentBytes += sizeBytes;
  if (spentBytes < COLLECT_BYTES) return;
  spentBytes = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

/** Node.js has it only for those who start it with a flag; a context that is made later has it too. */
function collector(): CollectGarbage {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as CollectGarbage;
}
