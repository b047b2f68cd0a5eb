import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { objectOf } from '../../../../autoscaler/operator/conversion.ts';
import { inferenceFunctionCrd } from '../../../../autoscaler/operator/crd.ts';
import { inferenceFunctionSpecSchema } from '../../../../autoscaler/operator/inference-function.ts';
import { declarations } from '../../../support/declarations.ts';
import type { ApiObject, ApiRefusal } from '../../../support/kubernetes/api-requests.ts';
import {
  type DefinitionServer,
  functionObject,
  LEAST_SPEC,
} from '../../../support/kubernetes/definition-server.ts';
import { DEFINITIONS_PATH } from '../../../support/kubernetes/definitions.ts';
import { functionsPath } from '../../../support/kubernetes/inference-functions.ts';
import {
  combinations,
  fieldsOf,
  nodesOf,
  type SchemaNode,
  triesOf,
  withValue,
} from '../../../support/kubernetes/schema-nodes.ts';

const DRY_RUN = { dryRun: 'All', fieldValidation: 'Strict' };

/** A spec that says all that can be said. */
const FULL_SPEC = {
  ...LEAST_SPEC,
  insecure: true,
  slo: { latency: '200ms', percentile: 95 },
  scale: { minInstances: 2, maxInstances: 3, idle: '1m', weight: 2, policy: 'fixed' },
  maxBatch: 8,
  limits: { cpu: '500m', gpuPercent: 50 },
  profile: { configMap: { name: 'tables', key: 'digits.json' } },
  env: [{ name: 'LOG_LEVEL', value: 'debug' }],
  secrets: ['key'],
  nodeSelector: { disktype: 'ssd' },
  provider: 'cpu',
  late: 'reject',
  maxWait: '10s',
};

type Fields = Readonly<Record<string, unknown>>;

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: SchemaNode };
    }[];
  };
}

const DEFINITION = inferenceFunctionCrd() as Definition;
const NODES = nodesOf(DEFINITION.spec.versions[0]!.schema.openAPIV3Schema);
const RULES = NODES.flatMap(({ path: [part, ...path], node }) =>
  (node['x-kubernetes-validations'] ?? []).map((rule) => ({ part, path, node, rule })),
);
const DEFAULTS = NODES.flatMap(({ path: [, ...path], node }) => (node.default === undefined ? [] : [path]));

/** What each rule is to say of its node, all defaults filled in; by its message. */
const MEANINGS: Readonly<Record<string, (node: Fields) => boolean>> = {
  'minInstances must not exceed maxInstances': ({ minInstances, maxInstances }) =>
    Number(minInstances) <= Number(maxInstances),
};

/** What the server fills in, and what it refuses. */
export function validationRules(there: () => DefinitionServer | undefined): void {
  let server: DefinitionServer;
  beforeEach(() => {
    server = there()!;
  });

  /** As it would be stored. @throws ApiRefusal */
  function tried(spec: object): Promise<ApiObject> {
    return server.create(functionObject('digits', { ...spec }), DRY_RUN);
  }

  describe('a default', () => {
    it('is filled in for all that is left out', async () => {
      const wanted = inferenceFunctionSpecSchema.parse(LEAST_SPEC);
      for (const scale of [{}, { scale: {} }, { scale: null }])
        expect((await tried({ ...LEAST_SPEC, ...scale })).spec).toEqual(wanted);
      expect(wanted.scale).toEqual({
        minInstances: 0,
        maxInstances: 100,
        idle: '5m',
        weight: 1,
        policy: 'tournament',
      });
    });

    it.each(DEFAULTS.map((path) => path.join('.')))('is filled in for %s, missing or null', async (name) => {
      const path = name.split('.');
      const without = withValue(FULL_SPEC, path, undefined);
      const wanted = inferenceFunctionSpecSchema.parse(without);
      expect(wanted).not.toEqual(inferenceFunctionSpecSchema.parse(FULL_SPEC));
      expect((await tried(without)).spec).toEqual(wanted);
      expect((await tried(withValue(FULL_SPEC, path, null))).spec).toEqual(wanted);
    });

    it('is the one that we fill in, whatever is declared', async () => {
      const property = fc.asyncProperty(declarations, async (declaration) => {
        const { spec } = objectOf(declaration);
        const stored = (await tried(spec)).spec;
        expect(stored).toEqual(inferenceFunctionSpecSchema.parse(spec));
      });
      await fc.assert(property, { numRuns: 50 });
    });
  });

  describe('a rule', () => {
    it('is known to these tests', () => {
      expect(RULES.map(({ rule }) => rule.message).sort()).toEqual(Object.keys(MEANINGS).sort());
      // Below a list or a map, or in a status, objects would have to be tried another way.
      expect(RULES.filter(({ part, path }) => part !== 'spec' || path.includes('[]'))).toEqual([]);
    });

    for (const { path, node, rule } of RULES) {
      const { message } = rule;
      const fields = fieldsOf(rule);
      const isTrue = (spec: object): boolean =>
        MEANINGS[message]!(fieldsAt(inferenceFunctionSpecSchema.parse(spec), path));

      it(`is about objects with every field missing, null, default or extreme: ${message}`, async () => {
        const tries = combinations(
          Object.fromEntries(fields.map((field) => [field, triesOf(node.properties![field]!)])),
        );
        const told = { accepted: 0, refused: 0 };
        for (const values of tries) {
          const spec = withValue(LEAST_SPEC, path, values);
          const given = JSON.stringify(values);
          const known = withValue(LEAST_SPEC, path, withoutNulls(values));
          const refusal = await tried(spec).then(
            () => undefined,
            (error: ApiRefusal) => error,
          );
          if (isTrue(known)) expect(refusal, given).toBeUndefined();
          else
            expect(refusal, given).toMatchObject({ status: 422, message: expect.stringContaining(message) });
          told[refusal === undefined ? 'accepted' : 'refused'] += 1;
        }
        expect(Object.values(told), JSON.stringify(told)).not.toContain(0);
      });

      // A default is checked as it is written, before the defaults within it are filled in.
      it(`holds for whatever part of its node is the default: ${message}`, async () => {
        const parts = combinations(
          Object.fromEntries(fields.map((field) => [field, [undefined, node.properties![field]!.default]])),
        );
        for (const [index, part] of parts.entries()) {
          const name = `trial${index}`;
          const definition = {
            ...withValue(DEFINITION, ['metadata'], { name: `${name}s.${DEFINITION.spec.group}` }),
            spec: {
              ...DEFINITION.spec,
              names: { kind: `Trial${index}`, plural: `${name}s` },
              versions: DEFINITION.spec.versions.map((version) =>
                withValue(version, [...schemaPathOf(path), 'default'], part),
              ),
            },
          };
          const answer = server.requests.send('POST', DEFINITIONS_PATH, definition, { query: DRY_RUN });
          await expect(answer, JSON.stringify(part)).resolves.toMatchObject({
            kind: 'CustomResourceDefinition',
          });
        }
      });
    }

    it('is applied to changes, too', async () => {
      await server.create(functionObject('changed', { ...LEAST_SPEC, scale: { maxInstances: 3 } }));
      const path = functionsPath(server.namespace, 'changed');
      const change = (scale: object): Promise<ApiObject> => server.requests.patch(path, { spec: { scale } });
      await expect(change({ minInstances: 4 })).rejects.toMatchObject({ status: 422 });
      await expect(change({ minInstances: 4, maxInstances: null })).resolves.toMatchObject({
        spec: { scale: { minInstances: 4, maxInstances: 100 } },
      });
    });
  });
}

function fieldsAt(object: object, path: readonly string[]): Fields {
  return path.reduce((inner, field) => inner[field] as Fields, object as Fields);
}

function withoutNulls(values: Fields): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

function schemaPathOf(path: readonly string[]): readonly string[] {
  return ['schema', 'openAPIV3Schema', ...['spec', ...path].flatMap((field) => ['properties', field])];
}
