import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
import { declarations } from '../../support/declarations.ts';

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
    [{ sample: '/home/me/request.json' }, /names the sample \/home\/me\/request\.json, which the nodes/],
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
