import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../models/base/clock.ts';
import { notServed } from '../../functions/registry.ts';
import { jsonBody } from '../json-body.ts';
import { History } from './history.ts';
import { clusterOf, detailOf, type LiveParts, overviewOf } from './live-state.ts';
import { previewOf } from './preview.ts';

export interface LiveRouteParts extends Omit<LiveParts, 'history'> {
  readonly clock: Clock;
}

interface EventsRoute {
  readonly Querystring: { readonly function?: string; readonly view?: string };
}

/** A client that reads no more than this behind is left out until it has read. */
const MOST_UNREAD_BYTES = 4 << 20;

/**
 * What the page is made of, below `/api/ui`: it is guarded as all of `/api`.
 *
 * - `GET /api/ui/events`: server-sent events, one every two seconds: all functions, or one of them
 *   (`?function=NAME`), or the nodes (`?view=cluster`).
 * - `POST /api/ui/preview`: what the planner would decide for a declaration; nothing of it is done.
 */
export function liveRoutes(app: FastifyInstance, parts: LiveRouteParts): void {
  const history = new History(parts);
  const live: LiveParts = { ...parts, history };
  app.addHook('onReady', async () => history.run());
  const open = new Set<ServerResponse>();
  app.addHook('preClose', async () => {
    history.close();
    for (const raw of open) raw.end(); // pages would keep the server open for ever
  });
  const overview = once(() => overviewOf(live));
  const cluster = once(() => clusterOf(live));
  history.onLook(() => {
    overview.renew();
    cluster.renew();
  });

  app.get<EventsRoute>('/api/ui/events', (request, reply) => {
    const { function: name, view } = request.query;
    open.add(reply.raw);
    reply.raw.once('close', () => open.delete(reply.raw));
    return stream(request, reply, history, async () => {
      if (name === undefined) return (view === 'cluster' ? cluster : overview).text();
      const managed = parts.controller.find(name);
      if (managed === undefined) return JSON.stringify({ missing: notServed(name, parts.registry).message });
      return JSON.stringify(await detailOf(live, managed));
    });
  });

  app.post('/api/ui/preview', async (request) =>
    previewOf(jsonBody(request, 'Send a function as a JSON object.'), parts.controller),
  );
}

/** The same text for all who ask between two looks. */
function once(make: () => Promise<unknown>) {
  let made: Promise<string> | undefined;
  return {
    renew(): void {
      made = undefined;
    },
    text(): Promise<string> {
      made ??= make().then((state) => JSON.stringify(state));
      return made;
    },
  };
}

function stream(
  request: FastifyRequest,
  reply: FastifyReply,
  history: History,
  read: () => Promise<string>,
): FastifyReply {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close', // or it would be kept although the server ends
    'x-accel-buffering': 'no', // proxies would keep events until they have some more
  });
  const send = (): void => {
    if (raw.writableLength > MOST_UNREAD_BYTES) return;
    read().then(
      (text) => raw.write(`data: ${text}\n\n`),
      () => raw.end(), // the page asks again, and is told why
    );
  };
  const stop = history.onLook(send);
  request.raw.once('close', stop);
  raw.once('close', stop);
  send();
  return reply;
}
