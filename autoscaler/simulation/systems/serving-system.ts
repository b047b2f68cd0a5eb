import type { Clock } from '../../../models/base/clock.ts';
import type { InferenceRequest, InferenceResponse } from '../../../packager/server/instance-protocol.ts';
import type { BatchTransport } from '../../dispatch/transport.ts';
import type { Platform } from '../../fleet/platform.ts';
import type { Deployment } from '../../functions/deployment.ts';

/** What a serving system has to work with: what the controller works with in production. */
export interface ServingParts {
  readonly clock: Clock;
  readonly platform: Platform;
  readonly transport: BatchTransport;
  readonly functions: readonly Deployment[];
  /** For policies that throw dice: a seed of their own, which nothing else draws from. */
  readonly seed: number;
}

/** Functions being served: it decides what runs, and which instance answers which request, when. */
export interface ServingSystem {
  /** Opens the platform and begins to decide. */
  open(): Promise<void>;
  /**
   * Answers a request that arrives now.
   *
   * @throws InflessError when it is given up
   */
  submit(functionName: string, request: InferenceRequest): Promise<InferenceResponse>;
}

/**
 * A way to serve: ours, or one to compare it with. All of them get the same clock, platform and transport,
 * and none sees the arrivals before they come.
 */
export interface System {
  readonly name: string;
  /** One line for tables and help. */
  readonly description: string;
  create(parts: ServingParts): ServingSystem;
}
