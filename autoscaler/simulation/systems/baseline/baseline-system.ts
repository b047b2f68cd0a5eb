import { InflessError } from '../../../../models/base/errors.ts';
import { amountsOf } from '../../../../models/base/resources.ts';
import type { InferenceRequest, InferenceResponse } from '../../../../packager/server/instance-protocol.ts';
import type { Placement } from '../../../cluster/snapshot.ts';
import type { KeepAlivePolicyName } from '../../../demand/keepalive/policies.ts';
import type { InstanceEvent } from '../../../fleet/platform.ts';
import type { Candidate } from '../../../latency/candidate.ts';
import type { ServingParts, ServingSystem } from '../serving-system.ts';
import { NodeSpace } from './node-space.ts';
import { AT_ONCE, PolicyInstance, type QueueRule, type WaitingRequest } from './policy-instance.ts';
import { ServedFunction } from './served-function.ts';

/** What tells one policy from another. */
export interface ScalingRule {
  /** How often {@link scale} is asked. */
  readonly tickMs: number;
  /** Starts and releases instances. */
  scale(served: ServedFunction, nowMs: number): void;
  /**
   * Gives waiting requests to instances; called when a request arrives and when an instance becomes ready or
   * idle.
   */
  route(served: ServedFunction, nowMs: number): void;
}

/** What a strategy can do. */
export interface SystemContext {
  readonly parts: ServingParts;
  readonly space: NodeSpace;
  /** Starts an instance; without a place, where it fits best. Returns undefined where nothing has room. */
  start(
    served: ServedFunction,
    candidate: Candidate,
    options?: { readonly placement?: Placement; readonly rule?: QueueRule },
  ): PolicyInstance | undefined;
  /** Ends an instance; what waits there goes back to the function's queue. */
  stop(served: ServedFunction, instance: PolicyInstance): void;
}

/** A batch may fail under a request this often. */
const MOST_ATTEMPTS = 3;
/** Work in flight ends within this when an instance is stopped. */
const DRAIN_MS = 30_000;

/**
 * What all policies that we compare with have in common: instances by platform events, queues, and a clock.
 */
export class BaselineSystem implements ServingSystem, SystemContext {
  readonly parts: ServingParts;
  readonly #createStrategy: (hands: SystemContext) => ScalingRule;
  readonly #functions: ReadonlyMap<string, ServedFunction>;
  readonly #instances = new Map<string, PolicyInstance>();
  #space: NodeSpace | undefined;
  #strategy: ScalingRule | undefined;
  #started = 0;

  /** @param keepAlive of instances that the load does not need; by default by the strategy's own rules */
  constructor(
    parts: ServingParts,
    createStrategy: (hands: SystemContext) => ScalingRule,
    keepAlive?: KeepAlivePolicyName,
  ) {
    this.parts = parts;
    this.#createStrategy = createStrategy;
    const nowMs = parts.clock.nowMs();
    this.#functions = new Map(
      parts.functions.map((deployment) => [
        deployment.spec.name,
        new ServedFunction(deployment, nowMs, keepAlive),
      ]),
    );
  }

  get space(): NodeSpace {
    if (this.#space === undefined) throw new Error('the system is not open');
    return this.#space;
  }

  async open(): Promise<void> {
    this.#space = new NodeSpace(await this.parts.platform.nodes());
    await this.parts.platform.open((event) => this.#onEvent(event));
    const strategy = this.#createStrategy(this);
    this.#strategy = strategy;
    this.#tick(strategy);
  }

  submit(functionName: string, request: InferenceRequest): Promise<InferenceResponse> {
    const served = this.#functions.get(functionName)!;
    const arrivalMs = this.parts.clock.nowMs();
    served.arrived(arrivalMs);
    return new Promise((resolve, reject) => {
      served.waiting.push({
        request,
        arrivalMs,
        attempts: 0,
        resolve: (response) => {
          served.left(this.parts.clock.nowMs());
          resolve(response);
        },
        reject: (error) => {
          served.left(this.parts.clock.nowMs());
          reject(error);
        },
      });
      this.#strategy?.route(served, arrivalMs);
    });
  }

  start(
    served: ServedFunction,
    candidate: Candidate,
    options: { readonly placement?: Placement; readonly rule?: QueueRule } = {},
  ): PolicyInstance | undefined {
    const placement = options.placement ?? this.space.bestFit(candidate, served.deployment.spec.nodeSelector);
    if (placement === undefined) return undefined;
    this.#started += 1;
    const id = `${served.name}-${this.#started}`;
    const { rule = AT_ONCE } = options;
    const instance = new PolicyInstance(
      { id, functionName: served.name, candidate, placement, rule },
      this.parts,
      {
        idle: () => this.#strategy?.route(served, this.parts.clock.nowMs()),
        lost: (_instance, requests) => this.#retry(served, requests),
      },
    );
    this.space.take(placement);
    this.#instances.set(id, instance);
    served.instances.push(instance);
    const { config, node, gpu, needs } = placement;
    const { workload } = served.deployment;
    const where = gpu === undefined ? { node } : { node, gpu };
    this.parts.platform
      .start({ id, functionName: served.name, config, ...where, resources: amountsOf(needs), workload })
      .catch(() => this.#forget(id));
    return instance;
  }

  stop(served: ServedFunction, instance: PolicyInstance): void {
    const place = served.instances.indexOf(instance);
    if (place >= 0) served.instances.splice(place, 1);
    served.waiting = [...instance.drain(), ...served.waiting];
    void this.parts.platform.stop(instance.id, DRAIN_MS);
  }

  #tick(strategy: ScalingRule): void {
    const { clock } = this.parts;
    const nowMs = clock.nowMs();
    for (const served of this.#functions.values()) {
      if (nowMs < served.restsUntilMs) continue;
      giveUp(served, nowMs);
      strategy.scale(served, nowMs);
      strategy.route(served, nowMs);
      served.rest(nowMs);
    }
    clock.at(nowMs + strategy.tickMs, () => this.#tick(strategy));
  }

  #onEvent({ type, instance: { id, phase, url } }: InstanceEvent): void {
    if (type === 'gone') this.#forget(id);
    else if (phase === 'ready' && url !== undefined) this.#instances.get(id)?.becameReady(url);
  }

  #forget(id: string): void {
    const instance = this.#instances.get(id);
    if (instance === undefined) return;
    this.#instances.delete(id);
    this.space.giveBack(instance.placement);
    const served = this.#functions.get(instance.functionName)!;
    const place = served.instances.indexOf(instance);
    if (place >= 0) served.instances.splice(place, 1);
    served.waiting = [...instance.drain(), ...served.waiting];
  }

  #retry(served: ServedFunction, requests: readonly WaitingRequest[]): void {
    for (const pending of requests) pending.attempts += 1;
    const [again, never] = [
      requests.filter(({ attempts }) => attempts < MOST_ATTEMPTS),
      requests.filter(({ attempts }) => attempts >= MOST_ATTEMPTS),
    ];
    for (const { reject } of never) reject(new InflessError('UNAVAILABLE', 'Its instances failed'));
    served.waiting = [...again, ...served.waiting];
  }
}

/** Requests that waited for an instance for longer than their function allows. */
function giveUp(served: ServedFunction, nowMs: number): void {
  const { maxWait } = served.deployment.spec;
  const count = served.waiting.findIndex(({ arrivalMs }) => nowMs - arrivalMs < maxWait);
  const expired = served.waiting.splice(0, count < 0 ? served.waiting.length : count);
  for (const { reject } of expired) {
    reject(new InflessError('DEADLINE_EXCEEDED', 'No instance took it in time'));
  }
}
