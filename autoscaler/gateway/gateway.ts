import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { BodyBudget } from '../../packager/server/http/body.ts';
import { createHttpServer, listenError } from '../../packager/server/http/http-server.ts';
import { type DrainTimes, OpenConnections } from '../../packager/server/http/open-connections.ts';
import { adminRoutes } from './admin/admin-routes.ts';
import { guardAdminRoutes } from './admin-guard/admin-guard.ts';
import { asyncFunctionRoutes } from './async/async-routes.ts';
import { auditChanges, basicAuth, type Credentials } from './basic-auth.ts';
import { forwardToLeader } from './forwarding.ts';
import { functionRoutes, nothingHere } from './function-routes.ts';
import { openFaasRoutes } from './openfaas/openfaas-routes.ts';
import type { OpenFaasParts } from './openfaas/parts.ts';
import { exampleRoute } from './ui/example-route.ts';
import { liveRoutes } from './ui/live-routes.ts';
import { pageRoutes } from './ui/page-routes.ts';

export interface GatewayParts extends OpenFaasParts {
  readonly logger: Logger;
  /** Who may administer functions; without them, everybody may. */
  readonly credentials?: Credentials;
  /** Beside loopback names, those by which functions may be administered without a login. */
  readonly hostNames: readonly string[];
  /** Whether it has a page for browsers, at `/ui`; default: yes. */
  readonly hasPage?: boolean;
  /** Where the gateway of another autoscaler answers that leads, where there may be others. */
  readonly leaderUrl?: () => string | undefined;
  /** Where results of asynchronous calls may be posted to; default: wherever it does no harm. */
  readonly callbackHosts?: ReadonlySet<string>;
}

/** Nothing that is administered is larger: what is parsed here holds up all calls meanwhile. */
const ADMIN_BODY_BYTES = 1 << 20;

export interface GatewayLimits {
  readonly maxBodyBytes: number;
  /** All request bodies held at a time: beyond, requests are refused with 429. */
  readonly heldBytes: number;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = { maxBodyBytes: 32 << 20, heldBytes: 1 << 30 };

/**
 * How long the end of the gateway waits for requests that are still being sent, and for answers. Together
 * with what ends after it, that is less than the 30 s that Kubernetes and systemd give at least.
 */
const DRAIN_TIMES = { arrivalMs: 2_000, answerMs: 15_000 };

/** For what has arrived already to be taken in: closing resets connections that wait to be. */
const SETTLE_MS = 100;

/** The HTTP face of the autoscaler: functions, their administration, health and metrics. */
export class Gateway {
  readonly app: FastifyInstance;
  readonly #connections: OpenConnections;
  #closing = false;

  constructor(parts: GatewayParts, limits: GatewayLimits = DEFAULT_GATEWAY_LIMITS) {
    const { hasPage = true } = parts;
    this.app = createHttpServer({
      maxBodyBytes: limits.maxBodyBytes,
      budget: new BodyBudget(limits.heldBytes),
      logger: parts.logger,
      isClosing: () => this.#closing,
    });
    this.#connections = new OpenConnections(this.app.server);
    this.app.setNotFoundHandler((request) => {
      throw nothingHere(request);
    });
    // Where something is open without a login, only names of ours open it: see DNS rebinding.
    const isOpen = parts.credentials === undefined || parts.credentials.opensReads === true;
    guardAdminRoutes(this.app, { hostNames: isOpen ? parts.hostNames : undefined });
    if (parts.leaderUrl !== undefined) {
      const { leaderUrl, clock, logger, credentials } = parts;
      const peerSecret = credentials === undefined ? {} : { peerSecret: credentials.password };
      forwardToLeader(this.app, { leaderUrl, clock, logger, ...peerSecret });
    }
    this.app.get('/healthz', () => ({ status: 'ok' }));
    this.app.get('/metrics', async (_request, reply) => {
      const { registry } = parts.metrics;
      return reply.type(registry.contentType).send(await registry.metrics());
    });
    if (hasPage) pageRoutes(this.app);
    functionRoutes(this.app, parts);
    exampleRoute(this.app, parts);
    this.app.register(async (app) => {
      asyncFunctionRoutes(app, parts);
    });
    for (const routes of [adminRoutes, openFaasRoutes, ...(hasPage ? [liveRoutes] : [])]) {
      this.app.register(async (app) => {
        if (parts.credentials !== undefined) app.addHook('onRequest', basicAuth(parts.credentials));
        auditChanges(app, parts.logger);
        app.addHook('onRoute', (route) => {
          route.bodyLimit ??= Math.min(ADMIN_BODY_BYTES, limits.maxBodyBytes);
        });
        routes(app, parts);
      });
    }
  }

  /** @throws InflessError ADDRESS_IN_USE */
  async listen(host: string, port: number): Promise<string> {
    try {
      return await this.app.listen({ host, port });
    } catch (error) {
      throw listenError(error, host, port, {
        taken: 'Stop the program that uses it, or choose another with --port.',
        refused: 'Choose an address of this machine with --host and --port.',
      });
    }
  }

  /**
   * Takes no more connections; requests under way are answered, those whose clients neither send nor read are
   * given up.
   */
  async close(times: DrainTimes = DRAIN_TIMES): Promise<void> {
    this.#closing = true;
    await sleep(SETTLE_MS);
    await this.#connections.drain(times, this.app.close());
  }
}
