import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  describe,
  headersThatCount,
  isPrediction,
  PROTOCOL_URLS,
  type Route,
  routeTo,
} from '../../../models/protocols/index.ts';
import { JSON_TYPE } from '../../../models/protocols/protocol.ts';
import { decodeBatchRequest, encodeBatchReply, FRAME_CONTENT_TYPE } from '../batch-frame.ts';
import { sendHeld } from '../http/answers.ts';
import { CLIENT_CLOSED, HttpError } from '../http/http-error.ts';
import { asBuffer, bodyBytes } from '../http/http-server.ts';
import { Cancellation } from '../inference/cancellation.ts';
import { type Instance, mostRequests } from '../instance.ts';
import { BATCH_PATH } from '../instance-protocol.ts';

/** What every protocol has to answer, and the gateway's batches. */
export function protocolRoutes(app: FastifyInstance, instance: Instance): void {
  const { metrics } = instance;

  async function countPost(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (request.method !== 'POST') return;
    reply.raw.once('close', () => {
      const route = request.inferenceRoute;
      if (route !== null && 'call' in route && !isPrediction(route)) return;
      metrics.countAnswer(reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED);
    });
  }
  async function findRoute(request: FastifyRequest): Promise<void> {
    const route = routeTo(instance.modelName, request.method, request.url);
    request.inferenceRoute = route;
    if ('refused' in route) throw HttpError.of(route);
  }
  function admit(reply: FastifyReply): void {
    reply.raw.once('close', instance.admit());
  }
  async function admitPrediction(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (isPrediction(request.inferenceRoute as Route)) admit(reply);
  }
  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const route = request.inferenceRoute as Route;
    if (isPrediction(route)) return predict(request, reply);
    const { contentType, body } = describe(route, [instance.served(route.model)]);
    return reply.type(contentType).send(asBuffer(body));
  }
  async function predict(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const submission = instance.predict({
      path: request.url,
      contentType: request.headers['content-type'] ?? JSON_TYPE,
      ...headersThatCount(request.inferenceRoute as Route, request.headers),
      body: bodyBytes(request),
    });
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) submission.withdraw();
    });
    const { status, contentType, headers = {}, body } = await submission.answer;
    return sendHeld(reply.code(status).type(contentType).headers(headers), body, instance.budget);
  }

  for (const url of PROTOCOL_URLS) {
    app.route({
      method: ['GET', 'POST'],
      url,
      onRequest: [countPost, findRoute, admitPrediction],
      handler: answer,
    });
  }

  app.post(
    BATCH_PATH,
    { onRequest: async (_request, reply) => admit(reply), bodyLimit: instance.budget.limitBytes },
    async (request, reply) => {
      const requests = decodeBatchRequest(bodyBytes(request), mostRequests(instance.settings));
      const cancellation = new Cancellation(requests.length);
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) cancellation.cancelAll();
      });
      const batch = await instance.runBatch(requests, cancellation);
      for (const { status } of batch.responses) metrics.countAnswer(status);
      return sendHeld(reply.type(FRAME_CONTENT_TYPE), encodeBatchReply(batch), instance.budget);
    },
  );
}

/**
 * Why no route took a request: 405 with what the path takes, 404 where there is nothing.
 *
 * @throws HttpError
 */
export function refuse(app: FastifyInstance, request: FastifyRequest, modelName?: string): never {
  const { method, url } = request;
  const route = routeTo(modelName, method, url);
  request.inferenceRoute = route;
  const path = url.split('?', 1)[0]!;
  const known = (['GET', 'POST'] as const).filter((candidate) =>
    app.hasRoute({ method: candidate, url: path }),
  );
  const isOurs = route.protocol === undefined && known.length > 0;
  if ('refused' in route && !isOurs) throw HttpError.of(route);
  const allow = known.join(', ');
  throw new HttpError(405, `${path} takes ${allow}, not ${method}.`, { allow });
}
