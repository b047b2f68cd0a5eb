import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../../models/base/clock.ts';
import { InflessError } from '../../../models/base/errors.ts';
import type { Controller } from '../../control/controller.ts';
import type { Platform } from '../../fleet/platform.ts';
import { type FunctionRegistry, functionNotFound, notServed } from '../../functions/registry.ts';
import { jsonBody } from '../json-body.ts';
import { decisionsOf } from './function-decisions.ts';
import { explanationOf } from './function-explanation.ts';
import { brokenStatus, type FunctionStatus, forecastOf, statusOf } from './function-status.ts';

export interface AdminRouteParts {
  readonly controller: Controller;
  readonly registry: FunctionRegistry;
  readonly platform: Platform;
  readonly clock: Clock;
}

interface NamedRoute {
  readonly Params: { readonly name: string };
  readonly Querystring: { readonly rate?: string };
}

/** Functions declared, listed, shown and deleted by REST, below `/api/functions`. */
export function adminRoutes(app: FastifyInstance, parts: AdminRouteParts): void {
  const { controller, registry, clock } = parts;

  app.get('/api/functions', async () => {
    const running = controller.functions.map((managed) => status(parts, managed.name));
    return { functions: [...(await Promise.all(running)), ...registry.broken.map(brokenStatus)] };
  });

  app.get<NamedRoute>('/api/functions/:name', async (request) => {
    const { name } = request.params;
    const managed = controller.find(name);
    if (managed === undefined) return status(parts, name);
    const rate = rateOf(request.query.rate);
    const forecast = await forecastOf(managed, controller, clock.nowMs(), rate);
    return { ...(await status(parts, name)), ...(forecast === undefined ? {} : { forecast }) };
  });

  app.get<NamedRoute>('/api/functions/:name/explanation', async (request) => {
    const { name } = request.params;
    const managed = controller.find(name);
    if (managed === undefined) throw notServed(name, registry);
    return explanationOf(managed, controller, rateOf(request.query.rate));
  });

  app.get<NamedRoute>('/api/functions/:name/decisions', async (request) => {
    const { name } = request.params;
    if (controller.find(name) === undefined) throw notServed(name, registry);
    return decisionsOf(name, controller);
  });

  app.post('/api/functions', async (request, reply) => {
    const { name } = await registry.declare(jsonBody(request, REMEDY));
    return reply.code(201).send(await status(parts, name));
  });

  app.put<NamedRoute>('/api/functions/:name', async (request) => {
    const declaration = jsonBody(request, REMEDY);
    const { name } = request.params;
    if (typeof declaration !== 'object' || declaration === null || Array.isArray(declaration)) {
      throw new InflessError('INVALID_INPUT', 'The function is not a JSON object');
    }
    if ('name' in declaration && declaration.name !== name) {
      throw new InflessError(
        'INVALID_INPUT',
        `The function calls itself "${String(declaration.name)}", the path "${name}"`,
        {
          remedy: 'Use one name, or leave it out of the body.',
        },
      );
    }
    await registry.declare({ ...declaration, name });
    return status(parts, name);
  });

  app.delete<NamedRoute>('/api/functions/:name', async (request, reply) => {
    await registry.remove(request.params.name);
    return reply.code(204).send();
  });
}

async function status(
  { controller, registry, platform, clock }: AdminRouteParts,
  name: string,
): Promise<FunctionStatus> {
  const managed = controller.find(name);
  if (managed !== undefined) return statusOf(managed, controller, platform, clock.nowMs());
  const broken = registry.broken.find((each) => each.name === name);
  if (broken === undefined) throw functionNotFound(name);
  return brokenStatus(broken);
}

const REMEDY =
  'Send a function as a JSON object, e.g. {"name": "mobilenet", "model": "mobilenet", "slo": "200ms"}.';

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const rate = Number(text);
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw new InflessError('INVALID_INPUT', `Rate "${text}" is not a positive number of requests per second`);
}
