import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { FunctionDeclaration } from '../../../../autoscaler/functions/spec.ts';
import { connect } from '../../../../autoscaler/kubernetes/connection.ts';
import { objectOf } from '../../../../autoscaler/operator/conversion.ts';
import { FunctionObjects } from '../../../../autoscaler/operator/function-objects.ts';
import {
  type InferenceFunction,
  inferenceFunctionSpecSchema,
} from '../../../../autoscaler/operator/inference-function.ts';
import { systemClock } from '../../../../models/base/clock.ts';
import { APPLY_PATCH, type ApiObject } from '../../../support/kubernetes/api-requests.ts';
import {
  type DefinitionServer,
  functionObject,
  LEAST_SPEC,
} from '../../../support/kubernetes/definition-server.ts';
import { functionsPath } from '../../../support/kubernetes/inference-functions.ts';

/**
 * What is declared by REST takes the place of whatever others wrote, with no state between that a rule
 * forbids.
 */
export function declarationRules(there: () => DefinitionServer | undefined): void {
  describe('a declaration by REST', () => {
    let server: DefinitionServer;
    let path: string;
    beforeEach(async () => {
      server = there()!;
      path = functionsPath(server.namespace, 'digits');
      await server.requests.delete(path).catch(() => {}); // of a test before
    });

    async function store(change: Partial<FunctionDeclaration>): Promise<InferenceFunction> {
      const connection = await connect({ kubeconfig: server.kubeconfig, namespace: server.namespace });
      onTestFinished(() => connection.close());
      const logger = pino({ level: 'silent' });
      const objects = new FunctionObjects(connection, { clock: systemClock, logger });
      const { image, slo } = LEAST_SPEC;
      return objects.store(objectOf({ name: 'digits', image, slo: slo.latency, ...change }));
    }

    async function expectStored(change: Partial<FunctionDeclaration>): Promise<void> {
      const { image, slo } = LEAST_SPEC;
      const { spec } = objectOf({ name: 'digits', image, slo: slo.latency, ...change });
      const wanted = inferenceFunctionSpecSchema.parse(spec);
      expect((await store(change)).spec).toEqual(wanted);
      expect((await server.requests.get(path)).spec).toEqual(wanted);
    }

    async function applied(scale: object): Promise<ApiObject> {
      const object = functionObject('digits', { ...LEAST_SPEC, scale });
      return server.requests.patch(path, object, APPLY_PATCH, { fieldManager: 'kubectl' });
    }

    it.each([
      ['more instances than were allowed', { maxInstances: 3 }, { scale: { min: 5 } }],
      ['fewer than were kept', { minInstances: 50 }, { scale: { max: 3 } }],
      ['nothing of what was said', { minInstances: 5, maxInstances: 8 }, {}],
      ['others', { minInstances: 1, maxInstances: 2 }, { scale: { min: 3, max: 4 } }],
    ])('may ask for %s', async (_, before, change) => {
      await applied(before);
      await expectStored(change);
    });

    it.each([
      ['more than are allowed', { scale: { min: 5, max: 4 } }],
      ['more than can be', { scale: { min: 20_000, max: 20_000 } }],
      ['a label that is none, with more than were allowed', { scale: { min: 5 }, labels: { team: '?' } }],
    ])('that asks for %s is refused, and changes nothing', async (_, change) => {
      const before = await applied({ maxInstances: 3 });
      await expect(store(change)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      const { spec, metadata } = await server.requests.get(path);
      expect(spec).toEqual(before.spec);
      expect(metadata.generation).toBe(1);
    });

    it('may follow what others have scaled', async () => {
      await expectStored({ scale: { min: 1, max: 3 } });
      await server.requests.patch(`${path}/scale`, { spec: { replicas: 3 } });
      await expectStored({ scale: { max: 2 } });
      await expectStored({ scale: { min: 5 } });
    });
  });
}
