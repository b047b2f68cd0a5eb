import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { KEEP_ALIVE_POLICIES } from '../../../../autoscaler/demand/keepalive/policies.ts';
import { type FunctionDeclaration, parseFunctionSpec } from '../../../../autoscaler/functions/spec.ts';
import { clusterImage, localImage } from '../../../../autoscaler/gateway/image-reading.ts';
import {
  declarationOf,
  deployedFunction,
  functionDeploymentSchema,
} from '../../../../autoscaler/gateway/openfaas/deployment.ts';
import { parseGoDurationMs } from '../../../../autoscaler/gateway/openfaas/labels.ts';

const deploy = (fields: object, reading = localImage): FunctionDeclaration =>
  declarationOf(functionDeploymentSchema.parse({ service: 'f', image: 'mnist', ...fields }), reading);

describe("INFless' own stack files", () => {
  /** As published, but for its comments and what is only for building. */
  const STACK = `
functions:
  resnet-50:
    lang: python3-gpu
    handler: ./resnet-50
    image: resnet-50:latest
    qpsPerInstance: 300
    limits:
      memory: 2048Mi
      gpu_memory: 0.2
    requests:
      memory: 2048Mi
      gpu_memory: 0.2
    labels:
      com.openfaas.max.batch: 16
    environment:
      MODEL_NAME: resnet-50
      MODEL_BASE_PATH: /home/app/function/models
`;
  const { image, labels, environment, limits, requests, qpsPerInstance } = (
    parse(STACK) as { functions: Record<string, Record<string, unknown>> }
  ).functions['resnet-50']!;

  it('are served by the zoo on one machine: as the faas-cli of INFless sends them, with their SLO', () => {
    const body = {
      service: 'resnet-50',
      image,
      envVars: environment,
      labels,
      annotations: null,
      limits,
      requests,
      qpsPerInstance,
    };
    expect(declarationOf(functionDeploymentSchema.parse(body), localImage)).toEqual({
      name: 'resnet-50',
      model: 'resnet-50',
      slo: '300ms',
      maxBatch: 16,
      environment: { MODEL_NAME: 'resnet-50', MODEL_BASE_PATH: '/home/app/function/models' },
      labels: { 'com.openfaas.max.batch': '16' },
    });
  });

  it('have the SLO of their examples as the faas-cli of OpenFaaS sends them, which drops what it does not know', () => {
    const body = { service: 'resnet-50', image, envVars: environment, labels, limits: { memory: '2048Mi' } };
    expect(declarationOf(functionDeploymentSchema.parse(body), localImage)).toMatchObject({
      slo: '200ms',
      maxBatch: 16,
    });
  });
});

describe('a deployment', () => {
  it('says all by labels and annotations', () => {
    const declaration = deploy({
      labels: { 'com.openfaas.scale.min': '2', 'com.openfaas.scale.max': '7', team: 'vision' },
      annotations: {
        'infless.io/slo-ms': '150',
        'infless.io/slo-percentile': '99.5',
        'infless.io/max-batch': '8',
        'infless.io/gpu': '25',
        'infless.io/profile': '/tables/mnist.json',
        'infless.io/late': 'reject',
        'infless.io/max-wait': '5s',
        'infless.io/weight': '2',
        'prometheus.io.scrape': 'false',
      },
      constraints: ['kubernetes.io/hostname=node-2', 'zone == eu'],
      secrets: ['token'],
      limits: { cpu: '1500m', memory: '1Gi' },
      envProcess: 'index.js',
    });
    expect(declaration).toMatchObject({
      model: 'mnist',
      slo: '150ms',
      percentile: 99.5,
      maxBatch: 8,
      limits: { cpu: 1.5, gpu: 25 },
      profile: '/tables/mnist.json',
      late: 'reject',
      maxWait: '5s',
      scale: { min: 2, max: 7, weight: 2 },
      nodeSelector: { 'kubernetes.io/hostname': 'node-2', zone: 'eu' },
      secrets: ['token'],
      environment: { fprocess: 'index.js' },
      labels: { team: 'vision' },
      annotations: { 'prometheus.io.scrape': 'false' },
    });
    expect(() => parseFunctionSpec(declaration, 'it')).not.toThrow();
  });

  it.each([
    [{ 'com.openfaas.scale.zero': 'false' }, { min: 1 }],
    [{ 'com.openfaas.scale.zero': 'false', 'com.openfaas.scale.min': '3' }, { min: 3 }],
    [{ 'com.openfaas.scale.zero': 'true', 'com.openfaas.scale.min': '3' }, { min: 0 }],
    [{ 'com.openfaas.scale.zero-duration': '1h30m' }, { idle: '5400000ms', policy: 'fixed' }],
    [
      { 'com.openfaas.scale.zero-duration': '15m', 'infless.io/cold-start-policy': 'tournament' },
      { idle: '900000ms', policy: 'tournament' },
    ],
  ])('scales as %j says', (labels, scale) => {
    expect(deploy({ labels }).scale).toEqual(scale);
  });

  it.each([
    [
      { labels: { 'com.openfaas.scale.min': 'few' } },
      'com.openfaas.scale.min is "few", which is not a number',
    ],
    [{ labels: { 'infless.io/slo-ms': '' } }, 'infless.io/slo-ms is ""'],
    [{ labels: { 'com.openfaas.scale.zero': 'no' } }, 'not true or false'],
    [{ labels: { 'com.openfaas.scale.zero-duration': '15' } }, 'not a duration'],
    [{ constraints: ['node.role != manager'] }, 'Constraint "node.role != manager"'],
    [{ limits: { cpu: 'two' } }, 'limits.cpu "two"'],
  ])('that says %j is refused with a sentence', (fields, sentence) => {
    expect(() => deploy(fields)).toThrow(sentence);
  });

  it('may leave the GPU out, or take a whole one, by its limits', () => {
    expect(deploy({ limits: { 'nvidia.com/gpu': '1' } }).limits).toEqual({ gpu: 100 });
    expect(deploy({ limits: { 'nvidia.com/gpu': '0' } }).limits).toEqual({ gpu: 0 });
    expect(deploy({ limits: { 'nvidia.com/gpu': '1' }, labels: { 'infless.io/gpu': '50' } }).limits).toEqual({
      gpu: 50,
    });
  });
});

describe('the image of a deployment', () => {
  it.each([
    ['mobilenet', { model: 'mobilenet' }],
    ['mobilenet:latest', { model: 'mobilenet' }],
    ['mobilenet:1', { image: 'mobilenet:1' }],
    ['/models/mine.onnx', { model: '/models/mine.onnx' }],
    ['oci:/images/mine:1', { image: 'oci:/images/mine:1' }],
    ['registry.example/team/mobilenet:latest', { image: 'registry.example/team/mobilenet:latest' }],
  ])('%s is on one machine %j', (image, read) => {
    expect(localImage(image)).toEqual(read);
    expect(clusterImage(image)).toEqual({ image });
  });
});

describe('a function, told as a deployment', () => {
  it('keeps labels and annotations of others, and tells settings as they are now', () => {
    const labels = { team: 'vision', 'com.openfaas.scale.min': '1', 'com.openfaas.max.batch': '4' };
    const declared = deploy({ labels, annotations: { 'infless.io/slo-ms': '100', note: 'mine' } });
    const scaled = { ...declared, slo: '300ms', scale: { min: 5 } };
    expect(deployedFunction(scaled)).toEqual({
      image: 'mnist',
      labels: { team: 'vision', 'com.openfaas.scale.min': '5', 'com.openfaas.max.batch': '4' },
      annotations: { 'infless.io/slo-ms': '300', note: 'mine' },
    });
    const { maxBatch: _, ...unlimited } = scaled;
    expect(deployedFunction(unlimited).labels).not.toHaveProperty(['com.openfaas.max.batch']);
  });

  const key = fc.stringMatching(/^[a-z]{1,8}(\.[a-z]{1,4})?\/?[a-z]{1,8}$/);
  const texts = fc.dictionary(key, fc.string());
  const duration = fc.integer({ min: 1, max: 1e6 }).map((ms) => `${ms}ms`);
  const declarations = fc.record(
    {
      name: fc.constant('f'),
      model: fc.constantFrom('mnist', 'resnet-50', '/models/a.onnx'),
      slo: duration,
      percentile: fc.integer({ min: 50, max: 99 }),
      maxBatch: fc.integer({ min: 1, max: 64 }),
      late: fc.constantFrom('serve' as const, 'reject' as const),
      maxWait: duration,
      profile: fc.constantFrom('/a.json', '/b.json'),
      scale: fc.record(
        {
          min: fc.integer({ min: 0, max: 9 }),
          max: fc.integer({ min: 9, max: 99 }),
          idle: duration,
          weight: fc.integer({ min: 1, max: 9 }),
          policy: fc.constantFrom(...KEEP_ALIVE_POLICIES),
        },
        { requiredKeys: [] },
      ),
      environment: texts,
      secrets: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,9}$/)),
      limits: fc.record(
        {
          cpu: fc.integer({ min: 1, max: 9000 }).map((m) => m / 1000),
          gpu: fc.integer({ min: 0, max: 100 }),
        },
        { requiredKeys: [] },
      ),
      nodeSelector: fc.dictionary(key, fc.stringMatching(/^[a-z0-9]{0,9}$/)),
      labels: fc.dictionary(
        fc.oneof(key, fc.constantFrom('com.openfaas.scale.zero', 'com.openfaas.max.batch', 'infless.io/gpu')),
        fc.constantFrom('true', 'false', '3'),
      ),
      annotations: texts,
    },
    { requiredKeys: ['name', 'model', 'slo'] },
  );

  it('declares the same when it is deployed again, however it was declared', () => {
    fc.assert(
      fc.property(declarations, (declaration) => {
        const told = deployedFunction(declaration);
        const again = deploy({ ...told });
        const settings = ({ labels: _, annotations: __, ...rest }: FunctionDeclaration) =>
          parseFunctionSpec(rest, 'it');
        expect(settings(again)).toEqual(settings(declaration));
        expect(deployedFunction(deploy({ ...deployedFunction(again) }))).toEqual(deployedFunction(again));
      }),
    );
  });
});

describe("Go's durations", () => {
  it.each([
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['1m0.5s', 60_500],
    ['.5s', 500],
    ['1500us', 1.5],
    ['', undefined],
    ['5', undefined],
    ['5m 3s', undefined],
    ['-5m', undefined],
  ])('"%s" are %s ms', (text, durationMs) => {
    expect(parseGoDurationMs(text)).toBe(durationMs);
  });
});
