import type { FastifyInstance } from 'fastify';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import { openFaas } from '../../../models/protocols/openfaas.ts';
import { asBuffer } from '../../../packager/server/http/http-server.ts';
import type { Controller } from '../../control/controller.ts';
import { type FunctionRegistry, notServed } from '../../functions/registry.ts';

/** Below it, the name of a function. */
export const EXAMPLE_PATH = '/ui/examples';

export interface ExampleParts {
  readonly controller: Pick<Controller, 'find'>;
  readonly registry: Pick<FunctionRegistry, 'broken'>;
}

/**
 * `GET /ui/examples/NAME`: a body that the function takes, of made-up values. It tells no more than the
 * model's metadata, which everybody may read.
 */
export function exampleRoute(app: FastifyInstance, { controller, registry }: ExampleParts): void {
  app.get<{ Params: { readonly name: string } }>(`${EXAMPLE_PATH}/:name`, async (request, reply) => {
    const { name } = request.params;
    const managed = controller.find(name);
    if (managed === undefined) throw notServed(name, registry);
    const { manifest } = managed.deployment.model;
    const { contentType, body } = openFaas.request(generateInputs(manifest, { batch: 1 }), manifest);
    return reply.type(contentType).send(asBuffer(body));
  });
}
