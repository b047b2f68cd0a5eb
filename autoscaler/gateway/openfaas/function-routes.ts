import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
import { parseWith } from '../../../models/base/schema.ts';
import { HttpError } from '../../../packager/server/http/http-error.ts';
import { functionNotFound } from '../../functions/registry.ts';
import { type FunctionDeclaration, parseFunctionSpec } from '../../functions/spec.ts';
import { jsonBody } from '../json-body.ts';
import { declarationOf, functionDeploymentSchema } from './deployment.ts';
import { type Declared, declaredFunction, declaredFunctions, openFaasStatus } from './function-status.ts';
import { checkNamespace, type OpenFaasParts } from './parts.ts';
import { UsageMeter } from './usage-meter.ts';

interface Asked {
  readonly Querystring: { readonly namespace?: string; readonly usage?: string };
}
type AskedByName = Asked & { readonly Params: { readonly name: string } };

const deletionSchema = z.object({ functionName: z.string(), namespace: z.string().nullish() });
const scalingSchema = z.object({ replicas: z.number().int().min(0), namespace: z.string().nullish() });

const REMEDY = 'Send JSON as faas-cli does.';

/** Functions deployed, listed, described, scaled and removed as OpenFaaS' clients do it. */
export function openFaasFunctionRoutes(app: FastifyInstance, parts: OpenFaasParts): void {
  const { controller, registry, platform, clock, namespace, secrets, imageReading } = parts;
  const meter = new UsageMeter(platform, clock);

  function find(name: string): Declared {
    const found = declaredFunction(name, parts);
    if (found === undefined) throw functionNotFound(name);
    return found;
  }

  async function declare(declaration: FunctionDeclaration): Promise<void> {
    parseFunctionSpec(declaration, 'The function'); // names of secrets are names before any is looked up
    for (const name of declaration.secrets ?? []) {
      if (await secrets.has(name)) continue;
      throw new InflessError('INVALID_INPUT', `There is no secret "${name}"`, {
        remedy: `Create it first: faas-cli secret create ${name} --from-file=FILE`,
      });
    }
    await registry.declare(declaration);
  }

  function deploymentIn(body: unknown): FunctionDeclaration {
    const deployment = parseWith(functionDeploymentSchema, body, { what: 'The deployment' });
    checkNamespace(deployment.namespace, namespace);
    return declarationOf(deployment, imageReading);
  }

  app.get<Asked>('/system/functions', async ({ query }) => {
    checkNamespace(query.namespace, namespace);
    return declaredFunctions(parts).map((declared) => openFaasStatus(declared, parts));
  });

  app.get<AskedByName>('/system/function/:name', async ({ query, params }) => {
    checkNamespace(query.namespace, namespace);
    const status = openFaasStatus(find(params.name), parts);
    if (query.usage !== '1' && query.usage !== 'true') return status;
    meter.keepOnly(new Set(platform.instances().map(({ id }) => id)));
    const usage = await meter.of(controller.instancesOf(params.name));
    return usage === undefined ? status : { ...status, usage };
  });

  app.post('/system/functions', async (request, reply) => {
    const declaration = deploymentIn(jsonBody(request, REMEDY));
    if (declaredFunction(declaration.name, parts) !== undefined)
      throw new HttpError(409, `There is a function "${declaration.name}" already; update it with PUT.`);
    await declare(declaration);
    return reply.code(202).send();
  });

  app.put('/system/functions', async (request, reply) => {
    const declaration = deploymentIn(jsonBody(request, REMEDY));
    find(declaration.name);
    await declare(declaration);
    return reply.code(202).send();
  });

  app.delete<Asked>('/system/functions', async (request, reply) => {
    const deletion = parseWith(deletionSchema, jsonBody(request, REMEDY), { what: 'The request' });
    checkNamespace(deletion.namespace ?? request.query.namespace, namespace);
    await registry.remove(deletion.functionName);
    return reply.code(202).send();
  });

  /**
   * Pins how many instances there are at least; how many more are worth having stays the planner's to say.
   */
  app.post<AskedByName>('/system/scale-function/:name', async (request, reply) => {
    const { replicas, ...asked } = parseWith(scalingSchema, jsonBody(request, REMEDY), {
      what: 'The request',
    });
    checkNamespace(asked.namespace ?? request.query.namespace, namespace);
    const { declaration } = find(request.params.name);
    await registry.declare({ ...declaration, scale: { ...declaration.scale, min: replicas } });
    return reply.code(202).send();
  });
}
