import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseFunctionSpec } from '../../../autoscaler/functions/spec.ts';
import { clusterImage } from '../../../autoscaler/gateway/image-reading.ts';
import { declarationOf, functionDeploymentSchema } from '../../../autoscaler/gateway/openfaas/deployment.ts';
import { API_VERSION, inferenceFunctionSpecSchema } from '../../../autoscaler/operator/inference-function.ts';
import { chooseResources, type Deployment, dnsLabel } from '../../../packager/emit/deployment.ts';
import { emitDeployment } from '../../../packager/emit/emit.ts';
import { cell, table } from '../../profiles/sample-table.ts';

const DEPLOYMENT: Deployment = {
  name: 'net',
  image: `registry.example/net@sha256:${'a'.repeat(64)}`,
  modelDigest: `sha256:${'b'.repeat(64)}`,
  node: ['/usr/local/bin/node'],
  sloMs: 200,
  maxBatch: 4,
  cpuMillicores: 500,
  memoryBytes: 256 * 2 ** 20,
  wishes: {},
  insecure: false,
};

describe('a deployment file', () => {
  it('for Kubernetes is a Deployment that may do nothing but serve, and a Service', () => {
    const objects = parseAllDocuments(emitDeployment(DEPLOYMENT, 'kubernetes')).map((document) =>
      document.toJS(),
    );
    expect(objects.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
      ['Deployment', 'net'],
      ['Service', 'net'],
    ]);
    const { containers, securityContext } = objects[0].spec.template.spec;
    expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532 });
    expect(containers[0]).toMatchObject({
      image: DEPLOYMENT.image,
      resources: { requests: { cpu: '500m', memory: '256Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
      readinessProbe: { httpGet: { path: '/_/ready', port: 'http' } },
      livenessProbe: { httpGet: { path: '/_/health', port: 'http' } },
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
    });
    expect(containers[0].env).toContainEqual({ name: 'INFLESS_MAX_BATCH', value: '4' });
    expect(objects[1].spec.selector).toEqual(objects[0].spec.template.metadata.labels);
  });

  it('gives what computes on a GPU one of its own', () => {
    const onGpu = { ...DEPLOYMENT, hasGpu: true };
    const [object] = parseAllDocuments(emitDeployment(onGpu, 'kubernetes')).map((document) =>
      document.toJS(),
    );
    const { resources } = object.spec.template.spec.containers[0];
    expect(resources.limits).toEqual({ cpu: '500m', memory: '256Mi', 'nvidia.com/gpu': '1' });
    expect(resources.requests).toEqual(resources.limits);
    expect(parse(emitDeployment(onGpu, 'compose')).services.net.deploy).toEqual({
      resources: { reservations: { devices: [{ driver: 'nvidia', count: 1, capabilities: ['gpu'] }] } },
    });
  });

  it('for the autoscaler is an InferenceFunction that leaves it to choose', () => {
    const { spec, ...rest } = parse(emitDeployment(DEPLOYMENT, 'infless'));
    expect(rest).toEqual({ apiVersion: API_VERSION, kind: 'InferenceFunction', metadata: { name: 'net' } });
    expect(spec).toEqual({ image: DEPLOYMENT.image, slo: { latency: '200ms' } });
    const wishes = { sloMs: 200, maxBatch: 2, cpuMillicores: 1500 };
    const wished = parse(emitDeployment({ ...DEPLOYMENT, wishes, insecure: true }, 'infless')).spec;
    expect(wished).toEqual({ ...spec, insecure: true, maxBatch: 2, limits: { cpu: '1500m' } });
    expect(inferenceFunctionSpecSchema.safeParse(wished).error).toBeUndefined();
  });

  it('for OpenFaaS is a stack', () => {
    expect(parse(emitDeployment(DEPLOYMENT, 'openfaas'))).toMatchObject({
      version: '1.0',
      provider: { name: 'openfaas' },
      functions: {
        net: {
          skip_build: true,
          image: DEPLOYMENT.image,
          limits: { cpu: '500m', memory: '256Mi' },
          readonly_root_filesystem: true,
          annotations: { 'com.openfaas.ready.http.path': '/_/ready', 'infless.io/slo-ms': '200' },
        },
      },
    });
  });

  it('for OpenFaaS has in a comment what its gateway needs, and ours refuses', () => {
    const stack = emitDeployment(DEPLOYMENT, 'openfaas');
    expect(parse(stack).functions.net).not.toHaveProperty('environment');
    const uncommented = parse(stack.replace(/ # For .*/, '').replaceAll('# ', ''));
    expect(uncommented.functions.net.environment).toEqual({
      INFLESS_CPU_MILLICORES: '500',
      INFLESS_MAX_BATCH: '4',
      INFLESS_SLO_MS: '200',
    });
    const deployment = { service: 'net', ...parse(stack).functions.net };
    const declaration = declarationOf(functionDeploymentSchema.parse(deployment), clusterImage);
    expect(parseFunctionSpec(declaration, 'it')).toMatchObject({ slo: 200, limits: { cpu: 0.5 } });
  });

  it('for Compose is a service', () => {
    const { net } = parse(emitDeployment(DEPLOYMENT, 'compose')).services;
    expect(net).toMatchObject({ image: DEPLOYMENT.image, cpus: 0.5, read_only: true, cap_drop: ['ALL'] });
    expect(net.healthcheck.test.slice(0, 3)).toEqual(['CMD', '/usr/local/bin/node', '-e']);
  });
});

describe('resources', () => {
  const MEGABYTE = 2 ** 20;
  // p99 is 1.5 times p50, and a batch beyond one waits for another: 2 × 1.5 × p50.
  const measured = table([cell(1, 1000, 20), cell(8, 1000, 60), cell(1, 500, 45)]);

  it('are what keeps the SLO and answers most per core', () => {
    expect(chooseResources(measured, 0, { sloMs: 200 })).toMatchObject({ maxBatch: 8, cpuMillicores: 1000 });
    expect(chooseResources(measured, 0, { sloMs: 100 })).toMatchObject({ maxBatch: 1 });
    expect(chooseResources(measured, 0, { sloMs: 120, cpuMillicores: 500 })).toMatchObject({
      cpuMillicores: 500,
    });
    expect(chooseResources(measured, 0, { sloMs: 200, maxBatch: 4 })).toMatchObject({ maxBatch: 1 });
  });

  it('are those that keep the SLO under the CPU quotas of clusters', () => {
    // half a core has p99 67.5 ms here, and waits for up to 45 ms more there
    const halves = table([cell(1, 500, 45), cell(1, 1000, 60)]);
    expect(chooseResources(halves, 0, { sloMs: 300 })).toMatchObject({ cpuMillicores: 500 });
    expect(chooseResources(halves, 0, { sloMs: 112 })).toMatchObject({ cpuMillicores: 1000 });
  });

  it('are refused for an SLO that no config keeps, with the nearest that one does', () => {
    expect(() => chooseResources(measured, 0, { sloMs: 10 })).toThrow(
      expect.objectContaining({
        code: 'SLO_INFEASIBLE',
        sentence: expect.stringContaining('The nearest feasible SLO is 33 ms.'),
      }),
    );
  });

  it('are the fastest where nobody asked for an SLO and the usual one cannot be kept', () => {
    const slow = table([cell(1, 1000, 900), cell(1, 2000, 500)]);
    expect(chooseResources(slow, 0, {})).toMatchObject({ cpuMillicores: 2000 });
  });

  it('are those of a whole GPU where one is had', () => {
    const gpuCell = { ...cell(8, 1000, 5), gpuPercent: 100 };
    const mixed = table([cell(1, 1000, 20), gpuCell, { ...cell(32, 1000, 1), gpuPercent: 50 }]);
    expect(chooseResources(mixed, 0, { gpuPercent: 100 })).toMatchObject({ maxBatch: 8 });
    expect(chooseResources(mixed, 0, {})).toMatchObject({ maxBatch: 1 });
  });

  it('are guessed from the weights where nothing is measured', () => {
    expect(chooseResources(undefined, 500 * MEGABYTE, {})).toEqual({
      sloMs: 200,
      maxBatch: 8,
      cpuMillicores: 1000,
      memoryBytes: 1264 * MEGABYTE,
    });
    const wishes = { sloMs: 50, maxBatch: 2, cpuMillicores: 250 };
    expect(chooseResources(undefined, 0, wishes)).toMatchObject(wishes);
  });
});

it.each([
  ['ch_PP-OCRv4', 'ch-pp-ocrv4'],
  ['Net.v2', 'net-v2'],
  ['--', 'model'],
  ['x'.repeat(80), 'x'.repeat(63)],
])('calls %s %s', (name, label) => {
  expect(dnsLabel(name)).toBe(label);
});
