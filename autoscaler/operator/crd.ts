import { stringify } from 'yaml';
import { z } from 'zod';
import {
  INFERENCE_FUNCTION,
  inferenceFunctionSpecSchema,
  inferenceFunctionStatusSchema,
} from './inference-function.ts';

type Schema = Record<string, unknown>;

/** Kubernetes' rule for labels: the name of a function becomes one, and part of its instances' names. */
const FUNCTION_NAME = { type: 'string', maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' };

const COLUMNS = [
  { name: 'SLO', type: 'string', jsonPath: '.spec.slo.latency' },
  { name: 'Rate', type: 'number', jsonPath: '.status.ratePerSecond' },
  { name: 'Instances', type: 'integer', jsonPath: '.status.readyReplicas' },
  { name: 'P99', type: 'string', jsonPath: '.status.p99' },
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Image', type: 'string', jsonPath: '.spec.image', priority: 1 },
  {
    name: 'Message',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].message',
    priority: 1,
  },
];

/** The definition of InferenceFunction; deploy/base/crd.yaml is this, written down. */
export function inferenceFunctionCrd(): object {
  const { group, version, plural, kind } = INFERENCE_FUNCTION;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: ['inf'] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: COLUMNS,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.scale.minInstances',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          schema: {
            openAPIV3Schema: {
              description: 'A model that is served within a latency target.',
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object', properties: { name: FUNCTION_NAME } },
                spec: structural(inferenceFunctionSpecSchema),
                status: structural(inferenceFunctionStatusSchema),
              },
            },
          },
        },
      ],
    },
  };
}

/** Its file: kubectl, kustomize and Helm read it where there is no program of ours. */
export function inferenceFunctionCrdYaml(): string {
  const yaml = stringify(inferenceFunctionCrd(), { aliasDuplicateObjects: false, lineWidth: 0 });
  return `# Written by "npm run write:crd" from autoscaler/operator/inference-function.ts.\n${yaml}`;
}

/** A schema as Kubernetes takes it: OpenAPI 3.0, and what is not listed is pruned instead of refused. */
function structural(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, {
    io: 'input',
    target: 'openapi-3.0',
    override: ({ jsonSchema }) => adapt(jsonSchema as Schema),
  });
}

function adapt(schema: Schema): void {
  if (schema.additionalProperties === false) delete schema.additionalProperties;
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) delete schema.additionalProperties;
  if (schema['x-kubernetes-int-or-string'] === true) schema.anyOf = [{ type: 'integer' }, { type: 'string' }];
  if (schema.type !== 'integer') return;
  // zod's limits of what a number of JavaScript can hold are none of ours
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  schema.format = 'int64';
}
