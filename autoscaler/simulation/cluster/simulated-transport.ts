import { messageOf } from '../../../models/base/errors.ts';
import { type Random, seededRandom } from '../../../models/base/random.ts';
import type { BatchResponse, InferenceRequest } from '../../../packager/server/instance-protocol.ts';
import type { Config } from '../../../profiles/config.ts';
import { InstanceLost } from '../../dispatch/dispatch-errors.ts';
import type { BatchTransport } from '../../dispatch/transport.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

export interface SimulatedTransportOptions {
  readonly cluster: SimulatedCluster;
  /** How long a batch takes an instance of a function, in ms; `random` for what varies. */
  readonly executionMs: (
    config: Config,
    rows: number,
    random: Random,
    functionName: string,
    node: string,
  ) => number;
  readonly seed?: number;
}

/** Batches to simulated instances: they take their time and each request is answered with its own body. */
export class SimulatedTransport implements BatchTransport {
  readonly #options: SimulatedTransportOptions;
  readonly #random: Random;

  constructor(options: SimulatedTransportOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 1);
  }

  async send(url: string, requests: readonly InferenceRequest[]): Promise<BatchResponse> {
    const instance = this.#options.cluster.at(url);
    if (instance === undefined) throw new InstanceLost('instance is gone');
    const rows = requests.length;
    const { config, functionName, node } = instance.view;
    const executeMs = this.#options.executionMs(config, rows, this.#random, functionName, node);
    try {
      await instance.work(executeMs);
    } catch (error) {
      throw new InstanceLost(messageOf(error));
    }
    return {
      responses: requests.map(({ contentType, body }) => ({ status: 200, contentType, body })),
      timing: { decodeMs: 0, executeMs, encodeMs: 0, rows },
    };
  }
}
