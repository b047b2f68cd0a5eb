/**
 * Loaded into every process of a drill by NODE_OPTIONS; does something in inference threads only, and there only
 * to requests that ask for it by a mark in their body: their process dies, or their thread is stuck.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

const DIES = Buffer.from('[[[[666');
const IS_STUCK = Buffer.from('[[[[777');

if (!isMainThread && workerData?.model !== undefined) {
  parentPort.on('message', ({ requests = [] }) => {
    const bodies = requests.map(({ body }) => Buffer.from(body));
    if (bodies.some((body) => body.includes(DIES))) process.kill(process.pid, 'SIGKILL');
    if (bodies.some((body) => body.includes(IS_STUCK))) for (;;);
  });
}
