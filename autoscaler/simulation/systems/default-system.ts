import { pino } from 'pino';
import type { BatchedRequest, BatchedResponse } from '../../../packager/server/instance-protocol.ts';
import { Controller } from '../../control/controller.ts';
import type { KeepAliveFactory } from '../../control/managed-function.ts';
import type { PlanScope } from '../../control/scaling-step.ts';
import { type ControlSettings, DEFAULT_CONTROL_SETTINGS } from '../../control/settings.ts';
import { percentileRateModel } from '../../planning/capacity/percentile-rates.ts';
import type { RateModel } from '../../planning/capacity/rate-model.ts';
import type { Planner } from '../../planning/decision.ts';
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

class ControllerSystem implements ServingSystem {
  readonly #parts: ServingParts;
  readonly #controller: Controller;

  constructor(parts: ServingParts, options: DefaultSystemOptions) {
    const { rates = percentileRateModel, planner, createKeepAlive, settings, scope } = options;
    this.#parts = parts;
    this.#controller = new Controller({
      platform: parts.platform,
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
  submit(functionName: string, request: BatchedRequest): Promise<BatchedResponse> {
    const managed = this.#controller.find(functionName)!;
    this.#controller.observeArrival(managed);
    return managed.dispatcher.submit(request, this.#parts.clock.nowMs());
  }
}
