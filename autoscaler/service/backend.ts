import type { Controller } from '../control/controller.ts';
import type { Platform } from '../fleet/platform.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { SecretStore } from '../functions/secrets/secret-store.ts';
import type { ImageReading } from '../gateway/image-reading.ts';
import type { LeaderElection } from './leader.ts';

/**
 * What an autoscaler stands on, one machine or a cluster: where instances run and where everything is kept.
 */
export interface Backend {
  readonly platform: Platform;
  readonly secrets: SecretStore;
  /** What functions are said to be in. */
  readonly namespace: string;
  /** What OpenFaaS' clients mean by an image. */
  readonly imageReading: ImageReading;
  /** Once, for the controller that the platform is opened by. */
  attach(controller: Controller): BackendParts;
  /**
   * Who decides, where several autoscalers may look after the same instances; absent where there is only one.
   */
  readonly election?: LeaderElection;
  /** When all else is closed. */
  close(): Promise<void>;
}

export interface BackendParts {
  readonly registry: FunctionRegistry;
  /** What has to be done beside, by the one autoscaler that decides what runs. */
  readonly duties: LeaderTasks;
}

export interface LeaderTasks {
  start(): void;
  /** Nothing is done any more when it resolves. */
  stop(): Promise<void>;
}
