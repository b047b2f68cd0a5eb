import type { BatchTransport } from '../../autoscaler/dispatch/transport.ts';
import type { SimulatedTransportOptions } from '../../autoscaler/platforms/simulated/simulated-transport.ts';
import { drawnMs } from './simulated-functions.ts';

export const REASON = 'output "y" has shape [6,2] for 3 rows';

/** Instances of a model that turns out not to batch: what is sent together runs one by one, and they say so. */
export function runningAlone(real: BatchTransport): BatchTransport {
  return {
    async send(url, requests, timeoutMs) {
      const reply = await real.send(url, requests, timeoutMs);
      return requests.length > 1 ? { ...reply, ranAlone: REASON } : reply;
    },
  };
}

/** How long requests take that run one after the other. */
export const oneByOneMs: SimulatedTransportOptions['executionMs'] = (config, rows, random) => {
  let totalMs = 0;
  for (let row = 0; row < rows; row += 1) totalMs += drawnMs({ ...config, batch: 1 }, 1, random);
  return totalMs;
};
