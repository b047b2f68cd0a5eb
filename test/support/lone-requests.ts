import type { BatchTransport } from '../../autoscaler/dispatch/transport.ts';
import type { SimulatedTransportOptions } from '../../autoscaler/simulation/cluster/simulated-transport.ts';
import { drawnMs } from './simulated-functions.ts';

export const REASON = 'output "y" has shape [6,2] for 3 rows';

/** Instances of a model that turns out not to batch: batches run one by one, and the reply says so. */
export function runningAlone(real: BatchTransport): BatchTransport {
  return {
    async send(url, requests, timeoutMs) {
      const reply = await real.send(url, requests, timeoutMs);
      return requests.length > 1 ? { ...reply, ranAlone: REASON } : reply;
    },
  };
}

/** The time of requests that run one after the other. */
export const oneByOneMs: SimulatedTransportOptions['executionMs'] = (config, rows, random) => {
  let totalMs = 0;
  for (let row = 0; row < rows; row += 1) totalMs += drawnMs({ ...config, batch: 1 }, 1, random);
  return totalMs;
};
