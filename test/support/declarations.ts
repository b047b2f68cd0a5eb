import fc from 'fast-check';
import { KEEP_ALIVE_POLICIES } from '../../autoscaler/demand/keepalive/policies.ts';
import type { FunctionDeclaration } from '../../autoscaler/functions/spec.ts';

const label = fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/);
const duration = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'))
  .map(([count, unit]) => `${count}${unit}`);
const strings = fc.dictionary(label, fc.string(), { noNullPrototype: true, maxKeys: 4 });

/** Declarations of functions by image, with whatever else may be said of them. */
export const declarations: fc.Arbitrary<FunctionDeclaration> = fc
  .record(
    {
      name: label,
      image: label.map((text) => `registry.example/team/${text}:1`),
      insecure: fc.boolean(),
      profile: label.map((text) => `configmap:${text}/table.json`),
      slo: duration,
      percentile: fc.double({ min: 50, max: 99.9, noNaN: true }),
      maxBatch: fc.integer({ min: 1, max: 64 }),
      batching: fc.constantFrom('proven' as const, 'trust' as const),
      batchAxis: fc.dictionary(label, fc.integer({ min: 0, max: 3 }), { noNullPrototype: true, maxKeys: 2 }),
      sample: fc.record({ instances: fc.array(fc.array(fc.integer()), { maxLength: 2 }) }),
      shapes: fc.dictionary(label, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), {
        noNullPrototype: true,
        maxKeys: 2,
      }),
      late: fc.constantFrom('serve' as const, 'reject' as const),
      maxWait: duration,
      scale: fc.record(
        {
          min: fc.integer({ min: 0, max: 5 }),
          max: fc.integer({ min: 5, max: 100 }),
          idle: duration,
          weight: fc.double({ min: 0.01, max: 1000, noNaN: true }),
          policy: fc.constantFrom(...KEEP_ALIVE_POLICIES),
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
  // a sample has sizes of its own
  .map(({ shapes, ...rest }) => (rest.sample === undefined && shapes ? { ...rest, shapes } : rest))
  .map((declaration) => declaration as FunctionDeclaration);
