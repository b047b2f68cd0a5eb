import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../../models/base/package.ts';
import {
  definitionsOf,
  type KubernetesObject,
  objectsOf,
} from '../../../support/helm-template/render-chart.ts';
import { APPLY_PATCH } from '../../../support/kubernetes/api-requests.ts';
import {
  type DefinitionServer,
  functionObject,
  LEAST_SPEC,
} from '../../../support/kubernetes/definition-server.ts';
import { DEFINITIONS_PATH } from '../../../support/kubernetes/definitions.ts';
import { needs, runTool } from '../../../support/tools.ts';

const BASE = join(packageRoot, 'autoscaler/deploy/base');
const CHART = join(packageRoot, 'autoscaler/deploy/chart');
const KIND = 'CustomResourceDefinition';

/** Of many objects, those that define a kind: there is a server for nothing else. */
export function definitionsIn(manifests: string): readonly KubernetesObject[] {
  return objectsOf(manifests).filter(({ kind }) => kind === KIND);
}

/** Every way to install it that the docs give. */
export function installationRules(there: () => DefinitionServer | undefined): void {
  describe('is accepted', () => {
    let server: DefinitionServer;
    beforeEach(async () => {
      server = there()!;
      await server.uninstall();
    });

    async function expectServed(): Promise<void> {
      await server.served();
      await server.create(functionObject('digits', LEAST_SPEC));
    }

    it('as kustomize puts it out', async (context) => {
      needs(context, 'kubectl');
      const definitions = objectsOf(runTool('kubectl', 'kustomize', BASE)).filter(
        ({ kind }) => kind === KIND,
      );
      expect(definitions).toHaveLength(1);
      const text = JSON.stringify(definitions[0]);
      expect(server.kubectl(['apply', '-f', '-'], text)).toMatch(/ created$/m);
      await expectServed();
      expect(server.kubectl(['apply', '-f', '-'], text)).toMatch(/ unchanged$/m);
    });

    it('as Helm installs it', async () => {
      const definitions = await definitionsOf(CHART);
      expect(definitions.map(({ kind }) => kind)).toEqual([KIND]);
      await server.install(definitions[0], 'helm');
      await expectServed();
    });

    it('by server-side apply, of kubectl and of Helm 4', async (context) => {
      needs(context, 'kubectl');
      const file = join(CHART, 'crds/crd.yaml');
      expect(server.kubectl(['apply', '--server-side', '-f', file])).toMatch(/ serverside-applied$/m);
      await expectServed();
      const [definition] = await definitionsOf(CHART);
      const { metadata } = await server.definition();
      const applied = await server.requests.patch(
        `${DEFINITIONS_PATH}/${metadata.name}`,
        definition,
        APPLY_PATCH,
        { fieldManager: 'helm', fieldValidation: 'Strict' },
      );
      expect(applied.metadata.generation).toBe(metadata.generation);
    });
  });
}
