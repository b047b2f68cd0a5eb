import { pino } from 'pino';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { objectOf } from '../../../../autoscaler/functions/kubernetes/conversion.ts';
import { FunctionObjects } from '../../../../autoscaler/functions/kubernetes/function-objects.ts';
import { inferenceFunctionSpecSchema } from '../../../../autoscaler/functions/kubernetes/inference-function.ts';
import type { FunctionDeclaration } from '../../../../autoscaler/functions/spec.ts';
import { connect } from '../../../../autoscaler/kubernetes/connection.ts';
import { systemClock } from '../../../../models/base/clock.ts';
import { APPLY_PATCH } from '../../../support/kubernetes/api-requests.ts';
import {
  type DefinitionServer,
  functionObject,
  LEAST_SPEC,
} from '../../../support/kubernetes/definition-server.ts';
import { functionsPath } from '../../../support/kubernetes/inference-functions.ts';

/** What is declared by REST takes the place of whatever anybody wrote before, with no state between that a rule forbids. */
export function declarationRules(there: () => DefinitionServer | undefined): void {
  describe('a declaration by REST', () => {
    let server: DefinitionServer;
    let path: string;
    beforeEach(async () => {
      server = there()!;
      path = functionsPath(server.namespace, 'digits');
      await server.requests.delete(path).catch(() => {}); // of a test before
    });

    async function declare(scale: FunctionDeclaration['scale']): Promise<object> {
      const connection = await connect({ kubeconfig: server.kubeconfig, namespace: server.namespace });
      onTestFinished(() => connection.close());
      const logger = pino({ level: 'silent' });
      const objects = new FunctionObjects(connection, { clock: systemClock, logger });
      const { image, slo } = LEAST_SPEC;
      const declaration = { name: 'digits', image, slo: slo.latency, ...(scale && { scale }) };
      const { spec } = await objects.store(objectOf(declaration));
      const wanted = inferenceFunctionSpecSchema.parse(objectOf(declaration).spec);
      expect(spec).toEqual(wanted);
      expect((await server.requests.get(path)).spec).toEqual(wanted);
      return wanted.scale;
    }

    it.each([
      ['more instances than were allowed', { maxInstances: 3 }, { min: 5 }],
      ['fewer than were kept', { minInstances: 50 }, { max: 3 }],
      ['nothing of what was said', { minInstances: 5, maxInstances: 8 }, undefined],
      ['others', { minInstances: 1, maxInstances: 2 }, { min: 3, max: 4 }],
    ])('may ask for %s', async (_, before, scale) => {
      const object = functionObject('digits', { ...LEAST_SPEC, scale: before });
      await server.requests.patch(path, object, APPLY_PATCH, { fieldManager: 'kubectl' });
      await declare(scale);
    });

    it('may follow what others have scaled', async () => {
      await declare({ min: 1, max: 3 });
      await server.requests.patch(`${path}/scale`, { spec: { replicas: 3 } });
      await declare({ max: 2 });
      await declare({ min: 5 });
    });
  });
}
