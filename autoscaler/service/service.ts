import type { Logger } from 'pino';
import { systemClock } from '../../models/base/clock.ts';
import { Controller } from '../control/controller.ts';
import { type ControlSettings, DEFAULT_CONTROL_SETTINGS } from '../control/settings.ts';
import type { DispatchedBatch } from '../dispatch/dispatcher.ts';
import { HttpTransport } from '../dispatch/transport.ts';
import { readFunctionsFile } from '../functions/functions-file.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { FunctionDeclaration } from '../functions/spec.ts';
import type { Credentials } from '../gateway/basic-auth.ts';
import { DEFAULT_GATEWAY_LIMITS, Gateway, type GatewayParts } from '../gateway/gateway.ts';
import { GatewayMetrics } from '../gateway/metrics.ts';
import { Journal } from '../journal/journal.ts';
import type { RateModel } from '../planning/capacity/rate-model.ts';
import type { Backend } from './backend.ts';
import { Leader } from './leader.ts';

export interface ServiceOptions {
  readonly host: string;
  /** Names beside `host` and loopback names by which functions may be administered without credentials. */
  readonly allowHosts?: readonly string[];
  /** 0 picks a free one. */
  readonly port: number;
  /** Where it runs; closed with the service. */
  readonly backend: Backend;
  /** Functions that are declared by a file. */
  readonly functionsFile?: string;
  readonly rates: RateModel;
  readonly logger: Logger;
  readonly control?: Partial<ControlSettings>;
  readonly maxBodyBytes?: number;
  /** See {@link GatewayParts}. */
  readonly callbackHosts?: ReadonlySet<string>;
  /** Folder that keeps the decisions; default: nothing keeps them. */
  readonly journalFolder?: string;
  /** Told of every batch that ran. */
  readonly onBatch?: (functionName: string, batch: DispatchedBatch) => void;
  /** Whether the gateway has a page for browsers; default: yes. */
  readonly hasPage?: boolean;
  /** Who may administer functions; without them, everybody who can reach it. */
  readonly credentials?: Credentials;
}

/** A running autoscaler. */
export interface Service {
  readonly url: string;
  readonly controller: Controller;
  readonly registry: FunctionRegistry;
  /** Answers what is under way, then leaves the instances for a successor or stops them. */
  close(mode: 'leave' | 'stop'): Promise<void>;
}

/**
 * Puts the autoscaler together: what it runs on, control loop, declared functions, gateway. What ran before
 * is adopted and what was declared is back before the first request is taken.
 *
 * @throws InflessError for a functions file with mistakes, a function that cannot be deployed, a port that is
 * taken.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { backend, logger, rates, functionsFile, credentials } = options;
  const { platform } = backend;
  const transport = new HttpTransport();
  const metrics = new GatewayMetrics(backend.namespace);
  const lead = new Leader(backend.election);
  const { journalFolder: folder } = options;
  const journal = folder === undefined ? undefined : new Journal({ folder, clock: systemClock, logger });
  const controller = new Controller({
    platform,
    clock: systemClock,
    transport,
    rates,
    settings: { ...DEFAULT_CONTROL_SETTINGS, ...options.control },
    logger,
    mayAct: () => lead.isLeader,
    onDecision: (input, decision, atMs) => journal?.note(input, decision, atMs),
    onBatch: (functionName, batch) => {
      metrics.batchRan(functionName, batch);
      options.onBatch?.(functionName, batch);
    },
  });
  metrics.watch(controller);
  metrics.watchGpus(platform);
  const stopWatchingLoop = metrics.watchEventLoop();
  journal?.watchArrivals(() => metrics.arrived);
  const { registry, duties } = backend.attach(controller);
  const disconnect = async (): Promise<void> => {
    stopWatchingLoop();
    await journal?.close();
    await backend.close();
    await transport.close();
  };
  const closeAll = async (mode: 'leave' | 'stop'): Promise<void> => {
    const wasLeader = lead.isLeader;
    await lead.resign();
    await duties.stop();
    await registry.close();
    await controller.close(wasLeader ? mode : 'leave'); // else what runs is another's
    await disconnect();
  };
  let fromFile: readonly FunctionDeclaration[] | undefined;
  try {
    if (functionsFile !== undefined) fromFile = await readFunctionsFile(functionsFile);
    await controller.open();
  } catch (error) {
    await disconnect();
    throw error;
  }
  try {
    await registry.open(fromFile);
    for (const { name, reason } of registry.broken)
      logger.error({ function: name, reason }, 'a declared function cannot run');
    const { secrets, namespace, imageReading } = backend;
    const parts: GatewayParts = {
      ...{ controller, registry, platform, metrics, logger, clock: systemClock },
      ...{ secrets, namespace, imageReading },
      hasPage: options.hasPage ?? true,
      hostNames: [options.host, ...(options.allowHosts ?? [])],
      ...(credentials === undefined ? {} : { credentials }),
      ...(options.callbackHosts === undefined ? {} : { callbackHosts: options.callbackHosts }),
      ...(backend.election === undefined ? {} : { leaderUrl: () => lead.leaderUrl }),
    };
    const maxBodyBytes = options.maxBodyBytes ?? DEFAULT_GATEWAY_LIMITS.maxBodyBytes;
    const gateway = new Gateway(parts, { ...DEFAULT_GATEWAY_LIMITS, maxBodyBytes });
    const url = await gateway.listen(options.host, options.port);
    lead.claim({
      gatewayUrl: url,
      begin() {
        controller.run();
        duties.start();
      },
      end() {
        controller.follow();
        void duties.stop();
      },
    });
    return {
      url,
      controller,
      registry,
      async close(mode) {
        await gateway.close();
        await closeAll(mode);
      },
    };
  } catch (error) {
    await closeAll('leave'); // a mistake in a file must not cost what serves
    throw error;
  }
}
