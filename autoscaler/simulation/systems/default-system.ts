import { pino } from 'pino';
import type { InferenceRequest, InferenceResponse } from '../../../packager/server/instance-protocol.ts';
import type { Instance } from '../../cluster/instance.ts';
import { Controller } from '../../control/controller.ts';
import type { KeepAliveFactory } from '../../control/managed-function.ts';
import type { PlanScope } from '../../control/scaling-step.ts';
import { type ControlSettings, DEFAULT_CONTROL_SETTINGS } from '../../control/settings.ts';
import { createKeepAlivePolicy, type KeepAlivePolicyName } from '../../demand/keepalive/policies.ts';
import { paperRateModel } from '../../planning/capacity/paper-rates.ts';
import { percentileRateModel } from '../../planning/capacity/percentile-rates.ts';
import type { RateModel } from '../../planning/capacity/rate-model.ts';
import type { Planner } from '../../planning/decision.ts';
import { planCluster } from '../../planning/planner.ts';
import { uniformSets, withoutMarket } from './ablations.ts';
import { InstanceQueues } from './instance-queues.ts';
import type { ServingParts, ServingSystem, System } from './serving-system.ts';

export interface DefaultSystemOptions {
  readonly name?: string;
  readonly description?: string;
  readonly rates?: RateModel;
  /** Default: the one that production uses. */
  readonly planner?: Planner;
  /** Default: what each function declares. */
  readonly createKeepAlive?: KeepAliveFactory;
  readonly settings?: Partial<ControlSettings>;
  /** Whether requests wait in one queue a function, as in production; otherwise in one at each instance. */
  readonly queue?: boolean;
  /** Which functions a step of the loop plans; default: as in production. */
  readonly scope?: PlanScope;
}

/** What production runs: the controller itself, with its planner, dispatchers and batch formers. */
export function defaultSystem(options: DefaultSystemOptions = {}): System {
  return {
    name: options.name ?? 'default',
    description: options.description ?? 'ours: percentile capacity, one deadline queue a function',
    create: (parts) => new ControllerSystem(parts, options),
  };
}

/** Parts of ours that can be left out, to see what each is worth. */
export interface Ablation {
  /** In place of what each function declares. */
  readonly keepAlive?: KeepAlivePolicyName | undefined;
  /** One deadline queue a function. Without: see {@link InstanceQueues}. */
  readonly queue?: boolean;
  /** Prices that tell each function what its choice costs the others. Without: {@link withoutMarket}. */
  readonly market?: boolean;
  /** Capacity by the percentile of the SLO. Without: the paper's fluid rates. */
  readonly percentiles?: boolean;
  /** Sets of different configs. Without: {@link uniformSets}. */
  readonly mixed?: boolean;
}

/** What production runs, with parts left out. */
export function ablatedDefault(ablation: Ablation): System {
  const { keepAlive, queue = true, market = true, percentiles = true, mixed = true } = ablation;
  const marketless = market ? planCluster : withoutMarket(planCluster);
  const planner = mixed ? marketless : uniformSets(marketless);
  return defaultSystem({
    queue,
    ...(percentiles ? {} : { rates: paperRateModel }),
    // which functions need no plan is known of our planner only
    ...(planner === planCluster ? {} : { planner, scope: 'all' }),
    ...(keepAlive === undefined
      ? {}
      : { createKeepAlive: (_name, _declared, idleMs) => createKeepAlivePolicy(keepAlive, idleMs) }),
  });
}

class ControllerSystem implements ServingSystem {
  readonly #parts: ServingParts;
  readonly #controller: Controller;
  readonly #queues: InstanceQueues | undefined;

  constructor(parts: ServingParts, options: DefaultSystemOptions) {
    const { rates = percentileRateModel, planner, createKeepAlive, settings, scope, queue = true } = options;
    this.#parts = parts;
    // Its own queue is always empty then: told of the instances there are, it looks, and finds itself idle.
    const drained = (name: string, ready: readonly Instance[]): void =>
      this.#controller
        .find(name)
        ?.dispatcher.setInstances(ready.map(({ id, config, url }) => ({ id, config, url: url! })));
    this.#queues = queue ? undefined : new InstanceQueues(parts, drained);
    this.#controller = new Controller({
      platform: this.#queues?.watch(parts.platform) ?? parts.platform,
      clock: parts.clock,
      transport: parts.transport,
      rates,
      ...(planner === undefined ? {} : { planner }),
      ...(createKeepAlive === undefined ? {} : { createKeepAlive }),
      ...(scope === undefined ? {} : { scope }),
      settings: { ...DEFAULT_CONTROL_SETTINGS, ...settings },
      logsDecisions: false,
      logger: pino({ level: 'silent' }),
    });
  }

  async open(): Promise<void> {
    await this.#controller.open();
    for (const deployment of this.#parts.functions) {
      const { name, model } = deployment.spec;
      // The declaration is kept for people to read; nothing decides by it.
      const declaration = { name, model, slo: `${deployment.spec.slo}ms` };
      this.#controller.deploy({ origin: 'rest', declaration, deployment });
    }
    this.#controller.run();
  }

  /** As the gateway does. */
  submit(functionName: string, request: InferenceRequest): Promise<InferenceResponse> {
    const managed = this.#controller.find(functionName)!;
    this.#controller.observeArrival(managed);
    if (this.#queues !== undefined) return this.#queues.submit(functionName, request);
    return managed.dispatcher.submit(request, this.#parts.clock.nowMs());
  }
}
