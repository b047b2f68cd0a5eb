import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { decodeBatchRequest, encodeBatchReply, FRAME_CONTENT_TYPE } from '../batch-frame.ts';
import { HttpError } from '../http/http-error.ts';
import { asBuffer, bodyBytes } from '../http/http-server.ts';
import { modelMetadata, modelStatus, type ServableState } from '../http/model-status.ts';
import type { Instance } from '../instance.ts';
import { BATCH_PATH } from '../instance-protocol.ts';
import { modelCall, noSuchPath } from '../model-path.ts';

const SERVABLE_STATE: Readonly<Record<Instance['phase'], ServableState>> = {
  loading: 'LOADING',
  ready: 'AVAILABLE',
  draining: 'UNLOADING',
};

/** nginx' number for a client that hung up before its answer; only metrics ever see it. */
const CLIENT_CLOSED = 499;

/** TF Serving's REST interface, OpenFaaS' POST on `/`, and the gateway's batches. */
export function predictionRoutes(app: FastifyInstance, instance: Instance): void {
  const { metrics } = instance;

  async function checkPath(request: FastifyRequest): Promise<void> {
    modelCall(request.method, request.url, instance.modelName);
  }
  async function admit(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.raw.once('close', instance.admit());
  }
  async function countAnswer(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.raw.once('close', () =>
      metrics.countAnswer(reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED),
    );
  }
  async function predict(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const submission = instance.predict({
      path: request.url,
      contentType: request.headers['content-type'] ?? 'application/json',
      body: bodyBytes(request),
    });
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) submission.withdraw();
    });
    const { status, contentType, body } = await submission.answer;
    return reply.code(status).type(contentType).send(asBuffer(body));
  }

  const onRequest = [countAnswer, checkPath, admit];
  app.post('/', { onRequest }, predict);
  app.post('/v1/models/*', { onRequest }, predict);

  app.get('/v1/models/*', { onRequest: checkPath }, async (request) => {
    if (modelCall(request.method, request.url, instance.modelName) === 'status') {
      return modelStatus(SERVABLE_STATE[instance.phase]);
    }
    const { manifest, modelName } = instance;
    if (manifest === undefined || modelName === undefined) return instance.readyReport(); // throws: not loaded yet
    return modelMetadata(modelName, manifest);
  });

  app.post(
    BATCH_PATH,
    { onRequest: admit, bodyLimit: instance.budget.limitBytes },
    async (request, reply) => {
      const batch = await instance.runBatch(decodeBatchRequest(bodyBytes(request)));
      for (const { status } of batch.responses) metrics.countAnswer(status);
      return reply.type(FRAME_CONTENT_TYPE).send(asBuffer(encodeBatchReply(batch)));
    },
  );
}

/**
 * Why no route took a request: 405 with what the path takes, 404 where there is nothing.
 *
 * @throws HttpError; InflessError MODEL_NOT_FOUND for a model we do not have
 */
export function refuse(app: FastifyInstance, { method, url }: FastifyRequest, modelName?: string): never {
  const path = url.split('?', 1)[0]!;
  if (path.startsWith('/v1/models/')) modelCall(method, url, modelName);
  const known = (['GET', 'POST'] as const).filter((candidate) =>
    app.hasRoute({ method: candidate, url: path }),
  );
  if (known.length === 0) throw noSuchPath(path);
  const allow = known.join(', ');
  throw new HttpError(405, `${path} takes ${allow}, not ${method}.`, { allow });
}
