import type { Logger } from 'pino';
import { pause } from '../../../models/base/clock.ts';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { routeTo } from '../../../models/protocols/index.ts';
import { jsonError } from '../../../models/protocols/protocol.ts';
import { errorAnswer } from '../../../packager/server/http/http-error.ts';
import type { InferenceResponse } from '../../../packager/server/instance-protocol.ts';
import { functionNotFound } from '../../functions/registry.ts';
import { Invocation, type InvocationParts } from '../invocation.ts';
import type { AsyncCall } from './async-queue.ts';
import { CallbackRefused, type CallResult, nameOf, postResult } from './callback.ts';

/**
 * Tries of a call that finds its function too busy, and of a callback that cannot be reached: 1 s, 2 s, 4 s …
 * apart.
 */
const TRIES = 6;
const FIRST_PAUSE_MS = 1000;

/**
 * Carries out asynchronous calls as OpenFaaS' queue-worker does: calls the function, and posts what it
 * answered.
 */
export class AsyncCaller {
  readonly #parts: InvocationParts;
  readonly #logger: Logger;

  constructor(parts: InvocationParts, logger: Logger) {
    this.#parts = parts;
    this.#logger = logger;
  }

  /** Never rejects: no one waits for it. @param signal gives it up */
  async run(call: AsyncCall, signal: AbortSignal): Promise<void> {
    const result = await this.#resultOf(call, signal);
    const { id, functionName, callbackUrl } = call;
    if (callbackUrl === undefined || signal.aborted) return;
    try {
      const post = (): Promise<void> => postResult(callbackUrl, call, result, signal);
      await this.#patiently(post, (error) => !(error instanceof CallbackRefused), signal);
    } catch (error) {
      const callback = nameOf(callbackUrl);
      const about = { function: functionName, call: id, callback, reason: messageOf(error) };
      this.#logger.warn(about, 'the result of an asynchronous call could not be delivered');
    }
  }

  async #resultOf(call: AsyncCall, signal: AbortSignal): Promise<CallResult> {
    const { clock } = this.#parts;
    const startedMs = clock.nowMs();
    const answer = await this.#answerTo(call, signal);
    return { ...answer, durationSeconds: ((clock.nowMs() - startedMs) / 1000).toFixed(6) };
  }

  /** An error is an answer, too. */
  async #answerTo(call: AsyncCall, signal: AbortSignal): Promise<InferenceResponse> {
    try {
      return await this.#patiently(() => this.#invoke(call, signal), isBusy, signal);
    } catch (error) {
      const { status, sentence, isDefect } = errorAnswer(error);
      if (isDefect) this.#logger.error({ err: error, function: call.functionName }, 'a call failed');
      const { protocol } = routeTo(call.functionName, 'POST', call.path);
      return { status, ...(protocol?.error ?? jsonError)({ status, sentence }) };
    }
  }

  async #invoke(call: AsyncCall, signal: AbortSignal): Promise<InferenceResponse> {
    const managed = this.#parts.controller.find(call.functionName);
    if (managed === undefined) throw functionNotFound(call.functionName); // deleted while it waited
    const invocation = new Invocation(managed, this.#parts);
    invocation.admit();
    try {
      const response = await invocation.submit(call, signal);
      invocation.ended(response.status);
      return response;
    } catch (error) {
      invocation.ended(errorAnswer(error).status);
      throw error;
    }
  }

  /** Tries again what may pass, further and further apart. @throws the last error */
  async #patiently<T>(
    work: () => Promise<T>,
    mayPass: (error: unknown) => boolean,
    signal: AbortSignal,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (attempt === TRIES || signal.aborted || !mayPass(error)) throw error;
      }
      await pause(this.#parts.clock, FIRST_PAUSE_MS * 2 ** (attempt - 1), signal);
    }
  }
}

/**
 * Too much waits for the function, or it has no instance: both are what asynchronous calls are patient about.
 */
function isBusy(error: unknown): boolean {
  return error instanceof InflessError && (error.code === 'OVERLOADED' || error.code === 'UNAVAILABLE');
}
