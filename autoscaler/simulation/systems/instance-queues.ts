import { InflessError } from '../../../models/base/errors.ts';
import { namedRandom, type Random } from '../../../models/base/random.ts';
import type { InferenceRequest, InferenceResponse } from '../../../packager/server/instance-protocol.ts';
import { configKey } from '../../../profiles/config.ts';
import type { Instance } from '../../cluster/instance.ts';
import type { InstanceEvent, Platform } from '../../fleet/platform.ts';
import type { Deployment } from '../../functions/deployment.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { ServiceTimes } from '../../latency/service-times.ts';
import { PolicyInstance, type WaitingRequest } from './baseline/policy-instance.ts';
import { queueRule } from './infless-system.ts';
import type { ServingParts } from './serving-system.ts';

const MOST_ATTEMPTS = 3;

/**
 * Requests bound to an instance as soon as they come, in place of one deadline queue a function: a lottery
 * among those that are ready, weighted by what they carry, and a queue at each, as INFless has it. What comes
 * before any instance is ready waits for the first.
 */
export class InstanceQueues {
  readonly #parts: ServingParts;
  readonly #random: Random;
  readonly #functions: ReadonlyMap<string, QueuedFunction>;
  readonly #onDrained: (functionName: string, ready: readonly Instance[]) => void;

  /** @param onDrained told when nothing of a function waits or runs */
  constructor(parts: ServingParts, onDrained: (functionName: string, ready: readonly Instance[]) => void) {
    this.#parts = parts;
    this.#random = namedRandom(parts.seed, 'instance queues');
    this.#functions = new Map(
      parts.functions.map((deployment) => [deployment.spec.name, new QueuedFunction(deployment)]),
    );
    this.#onDrained = onDrained;
  }

  /** The platform, listened in on. */
  watch(platform: Platform): Platform {
    return new Proxy(platform, {
      get: (target, key) => {
        if (key === 'open') {
          return (listener: (event: InstanceEvent) => void) =>
            target.open((event) => {
              this.#onEvent(event);
              listener(event);
            });
        }
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  submit(functionName: string, request: InferenceRequest): Promise<InferenceResponse> {
    const served = this.#functions.get(functionName)!;
    served.inSystem += 1;
    const answer = new Promise<InferenceResponse>((resolve, reject) => {
      const arrivalMs = this.#parts.clock.nowMs();
      served.waiting.push({ request, arrivalMs, resolve, reject, attempts: 0 });
      this.#route(served);
    });
    const left = (): void => {
      served.inSystem -= 1;
      if (served.inSystem === 0) this.#onDrained(functionName, [...served.ready.keys()]);
    };
    answer.then(left, left);
    return answer;
  }

  #route(served: QueuedFunction): void {
    const instances = [...served.ready.values()];
    const total = instances.reduce((sum, { weight }) => sum + weight, 0);
    if (total === 0) return;
    for (const pending of served.waiting.splice(0)) {
      let winner = this.#random() * total;
      const instance = instances.find(({ weight }) => {
        winner -= weight;
        return winner < 0;
      });
      if (instance?.offer([pending])) continue;
      pending.reject(new InflessError('OVERLOADED', 'The queue of its instance is full'));
    }
  }

  #onEvent({ type, instance }: InstanceEvent): void {
    const served = this.#functions.get(instance.functionName);
    if (served === undefined) return;
    const { id, phase, url } = instance;
    const known = [...served.ready.keys()].find((each) => each.id === id);
    if (type === 'changed' && phase === 'ready' && url !== undefined && known === undefined) {
      served.ready.set(instance, this.#instanceOf(served, instance, url));
      this.#route(served);
    } else if (known !== undefined && (type === 'gone' || phase === 'draining')) {
      const requests = served.ready.get(known)!.drain();
      served.ready.delete(known);
      served.waiting.unshift(...requests);
      this.#route(served);
    }
  }

  #instanceOf(
    served: QueuedFunction,
    { id, functionName, config, node }: Instance,
    url: string,
  ): PolicyInstance {
    const candidate = served.candidates.find((each) => configKey(each.config) === configKey(config))!;
    const { needs } = candidate;
    const rule = queueRule(candidate, served.sloMs);
    const instance = new PolicyInstance(
      { id, functionName, candidate, placement: { config, node, needs }, rule },
      this.#parts,
      { idle: () => {}, lost: (_instance, requests) => this.#retry(served, requests) },
    );
    instance.weight = (1000 * config.batch) / candidate.meanMs;
    instance.becameReady(url);
    return instance;
  }

  #retry(served: QueuedFunction, requests: readonly WaitingRequest[]): void {
    for (const pending of requests) {
      pending.attempts += 1;
      if (pending.attempts < MOST_ATTEMPTS) served.waiting.push(pending);
      else pending.reject(new InflessError('UNAVAILABLE', 'Its instances failed'));
    }
    this.#route(served);
  }
}

class QueuedFunction {
  readonly sloMs: number;
  readonly candidates: readonly Candidate[];
  readonly ready = new Map<Instance, PolicyInstance>();
  readonly waiting: WaitingRequest[] = [];
  inSystem = 0;

  constructor({ spec, maxBatch, profile }: Deployment) {
    const { percentile, limits } = spec;
    this.sloMs = spec.slo;
    this.candidates = new ServiceTimes(profile.table, () => ({ slowdown: 1, transportMs: 0 })).candidates({
      maxBatch,
      percentile,
      limits,
    });
  }
}
