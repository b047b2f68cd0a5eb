import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COLD_START_POLICIES } from '../../../autoscaler/demand/keepalive/policies.ts';
import {
  type FunctionDeclaration,
  functionSpecSchema,
  parseFunctionSpec,
} from '../../../autoscaler/functions/spec.ts';
import { declarationOf, objectOf } from '../../../autoscaler/operator/conversion.ts';
import {
  type InferenceFunction,
  inferenceFunctionSpecSchema,
} from '../../../autoscaler/operator/inference-function.ts';

const label = fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/);
const duration = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'))
  .map(([count, unit]) => `${count}${unit}`);
const strings = fc.dictionary(label, fc.string(), { noNullPrototype: true, maxKeys: 4 });

const declarations: fc.Arbitrary<FunctionDeclaration> = fc
  .record(
    {
      name: label,
      image: label.map((text) => `registry.example/team/${text}:1`),
      insecure: fc.boolean(),
      profile: label.map((text) => `configmap:${text}/table.json`),
      slo: duration,
      percentile: fc.double({ min: 50, max: 99.9, noNaN: true }),
      maxBatch: fc.integer({ min: 1, max: 64 }),
      late: fc.constantFrom('serve' as const, 'reject' as const),
      maxWait: duration,
      scale: fc.record(
        {
          min: fc.integer({ min: 0, max: 5 }),
          max: fc.integer({ min: 5, max: 100 }),
          idle: duration,
          weight: fc.double({ min: 0.01, max: 1000, noNaN: true }),
          policy: fc.constantFrom(...COLD_START_POLICIES),
        },
        { requiredKeys: [] },
      ),
      environment: strings,
      secrets: fc.uniqueArray(label, { maxLength: 3 }),
      limits: fc.record(
        {
          cpu: fc.integer({ min: 1, max: 64_000 }).map((millicores) => millicores / 1000),
          gpu: fc.integer({ min: 0, max: 100 }),
        },
        { requiredKeys: [] },
      ),
      provider: fc.constantFrom('cpu', 'cuda', 'tensorrt'),
      nodeSelector: strings,
      labels: strings,
      annotations: strings,
    },
    { requiredKeys: ['name', 'image', 'slo'] },
  )
  .map((declaration) => declaration as FunctionDeclaration);

const MINIMAL: FunctionDeclaration = { name: 'mnist', image: 'registry.example/mnist:1', slo: '200ms' };

describe('a declaration as an object of the cluster', () => {
  it('is the same declaration again', () => {
    fc.assert(
      fc.property(declarations, (declaration) => {
        const again = declarationOf(objectOf(declaration));
        expect(parseFunctionSpec(again, 'it')).toEqual(parseFunctionSpec(declaration, 'it'));
      }),
    );
  });

  it('is valid there, and stays the same when the API server has filled in the defaults', () => {
    fc.assert(
      fc.property(declarations, (declaration) => {
        const object = objectOf(declaration);
        const stored = { ...object, spec: inferenceFunctionSpecSchema.parse(object.spec) };
        const again = declarationOf(stored as InferenceFunction);
        expect(parseFunctionSpec(again, 'it')).toEqual(parseFunctionSpec(declaration, 'it'));
      }),
    );
  });

  it('leaves out what has a default', () => {
    expect(objectOf(MINIMAL)).toEqual({
      apiVersion: 'infless.io/v1alpha1',
      kind: 'InferenceFunction',
      metadata: { name: 'mnist' },
      spec: { image: 'registry.example/mnist:1', slo: { latency: '200ms' } },
    });
  });

  it.each([
    [{ image: undefined, model: 'mnist' }, /names the model mnist, which the nodes/],
    [{ image: 'oci:/tmp/layout:1' }, /names the folder oci:\/tmp\/layout:1, which the nodes/],
    [{ profile: '/home/me/table.json' }, /names no table of the cluster/],
    [{ profile: 'configmap:Name/key' }, /names no table of the cluster/],
  ])('is refused with %j', (change, message) => {
    expect(() => objectOf({ ...MINIMAL, ...change } as FunctionDeclaration)).toThrow(message);
  });

  it('has every field of a declaration somewhere', () => {
    // a field that is added to declarations and forgotten here is lost on Kubernetes
    const known = Object.keys(functionSpecSchema.shape).filter((field) => field !== 'model');
    const all = fc.sample(declarations, { numRuns: 200, seed: 1 }).flatMap((each) => Object.keys(each));
    expect(new Set(all)).toEqual(new Set(known));
  });
});

describe('an object of the cluster as a declaration', () => {
  const object: InferenceFunction = {
    metadata: { name: 'mnist', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } },
    spec: { image: 'registry.example/mnist:1', slo: { latency: '200ms' } },
  };

  it('does not carry what kubectl notes', () => {
    expect(declarationOf(object)).toEqual(MINIMAL);
  });

  it.each([
    ['500m', 0.5],
    ['1.5', 1.5],
    [2, 2],
  ])('understands %j of CPU as %d cores', (cpu, cores) => {
    const { limits } = declarationOf({ ...object, spec: { ...object.spec, limits: { cpu } } });
    expect(limits).toEqual({ cpu: cores });
  });

  it('takes the usual key of a ConfigMap', () => {
    const spec = { ...object.spec, profile: { configMap: { name: 'tables' } } };
    expect(declarationOf({ ...object, spec }).profile).toBe('configmap:tables/profile.json');
  });
});
