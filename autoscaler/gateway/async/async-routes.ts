import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { pause } from '../../../models/base/clock.ts';
import { headersThatCount, isPrediction, routeTo } from '../../../models/protocols/index.ts';
import { JSON_TYPE } from '../../../models/protocols/protocol.ts';
import { HttpError } from '../../../packager/server/http/http-error.ts';
import { bodyBytes } from '../../../packager/server/http/http-server.ts';
import { notServed } from '../../functions/registry.ts';
import { callHeaders, type FunctionRouteParts, functionTarget, nothingHere } from '../function-routes.ts';
import { AsyncCaller } from './async-caller.ts';
import { AsyncQueue, DEFAULT_ASYNC_LIMITS } from './async-queue.ts';
import { checkCallbackUrl } from './callback.ts';

const PREFIX = '/async-function';
/** How long calls that run, and callbacks, may hold up the end of the gateway. */
const CLOSE_GRACE_MS = 10_000;

/**
 * `/async-function/NAME`: taken at once, run when there is time, the result posted to `X-Callback-Url`. What
 * is taken is held in memory: it is lost with the gateway, which says how much when it ends in order.
 */
export function asyncFunctionRoutes(
  app: FastifyInstance,
  parts: FunctionRouteParts & { readonly logger: Logger; readonly callbackHosts?: ReadonlySet<string> },
): void {
  const { controller, registry, metrics, clock, namespace, logger, callbackHosts } = parts;
  const caller = new AsyncCaller(parts, logger);
  const queue = new AsyncQueue((call, signal) => caller.run(call, signal), DEFAULT_ASYNC_LIMITS);
  metrics.watchAsyncCalls(() => queue.size);
  app.addHook('onClose', async () => {
    const closed = new AbortController();
    const dropped = await queue.close(pause(clock, CLOSE_GRACE_MS, closed.signal));
    closed.abort();
    if (dropped > 0) logger.warn({ calls: dropped }, 'asynchronous calls are lost');
  });

  for (const url of [`${PREFIX}/:name`, `${PREFIX}/:name/*`]) {
    app.post(url, { config: { plainErrors: true } }, async (request, reply) => {
      const { name, path } = functionTarget(request.url, PREFIX, namespace);
      if (controller.find(name) === undefined) throw notServed(name, registry);
      const route = routeTo(name, request.method, path);
      if ('refused' in route) throw HttpError.of(route);
      if (!isPrediction(route)) throw nothingHere(request);
      const callback = request.headers['x-callback-url'];
      const callbackUrl = Array.isArray(callback) ? callback[0] : callback;
      if (callbackUrl !== undefined) checkCallbackUrl(callbackUrl, callbackHosts);
      const headers = callHeaders(request, clock.nowMs());
      queue.add({
        id: String(headers['x-call-id']),
        address: request.url.slice(PREFIX.length + 1).split(/[/?]/, 1)[0]!,
        functionName: name,
        path,
        contentType: request.headers['content-type'] ?? JSON_TYPE,
        ...headersThatCount(route, request.headers),
        body: bodyBytes(request),
        callbackUrl,
      });
      return reply.code(202).headers(headers).send();
    });
  }
}
