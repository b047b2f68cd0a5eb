import type { Clock } from '../../models/base/clock.ts';
import { isWrongRequest } from '../../models/base/errors.ts';
import { CLIENT_CLOSED } from '../../packager/server/http/http-error.ts';
import type { InferenceRequest, InferenceResponse } from '../../packager/server/instance-protocol.ts';
import type { Controller } from '../control/controller.ts';
import type { ManagedFunction } from '../control/managed-function.ts';
import type { ServedTimes } from '../dispatch/queued-request.ts';
import type { GatewayMetrics } from './metrics.ts';

export interface InvocationParts {
  readonly controller: Controller;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
}

/**
 * One request to a function from its arrival to the end of its answer: counted when it begins, measured when
 * it ends.
 */
export class Invocation {
  readonly arrivalMs: number;
  readonly #managed: ManagedFunction;
  #admittedMs: number | undefined;
  readonly #parts: InvocationParts;

  constructor(managed: ManagedFunction, parts: InvocationParts) {
    this.#managed = managed;
    this.#parts = parts;
    this.arrivalMs = parts.clock.nowMs();
    parts.metrics.started(managed.name);
  }

  /** It is one that an instance will be needed for, as far as is known before its body is. */
  admit(): void {
    this.#admittedMs = this.#parts.controller.observeArrival(this.#managed);
  }

  /** @throws InflessError OVERLOADED, UNAVAILABLE, DEADLINE_EXCEEDED */
  submit(
    request: InferenceRequest,
    signal: AbortSignal,
    onServed?: (times: ServedTimes) => void,
  ): Promise<InferenceResponse> {
    return this.#managed.dispatcher.submit(request, this.arrivalMs, signal, onServed);
  }

  /** Since its arrival, as OpenFaaS writes it into a header. */
  get durationSeconds(): string {
    return (this.#latencyMs / 1000).toFixed(6);
  }

  /**
   * Only what was the function's to keep counts towards its SLO: no request that was wrong by itself, and
   * none that its client took back before it was late.
   *
   * @param code the HTTP status it was answered with
   */
  ended(code: number): void {
    const latencyMs = this.#latencyMs;
    const isLate = latencyMs > this.#managed.deployment.spec.slo;
    const answered = code < 400;
    const counts = !isWrongRequest(code) && (code !== CLIENT_CLOSED || isLate);
    this.#parts.metrics.answered(this.#managed.name, code, latencyMs, counts && (isLate || !answered));
    if (isWrongRequest(code) && this.#admittedMs !== undefined) this.#managed.withdrawn(this.#admittedMs);
    if (counts) this.#managed.latencies.record(answered ? latencyMs : Infinity, this.#parts.clock.nowMs());
  }

  get #latencyMs(): number {
    return this.#parts.clock.nowMs() - this.arrivalMs;
  }
}
