import { InflessError } from '../../models/base/errors.ts';
import { givenAxesOf } from '../../models/manifest/batch-axis.ts';
import { isLayoutName } from '../../packager/layout/layout-name.ts';
import { formatProfileReference, parseProfileReference } from '../functions/profile-reference.ts';
import type { FunctionDeclaration } from '../functions/spec.ts';
import { API_VERSION, INFERENCE_FUNCTION, type InferenceFunction } from './inference-function.ts';

/** kubectl keeps the whole object in it: it is about the file that was applied, not about the function. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

type Spec = InferenceFunction['spec'];

/**
 * A declaration as an object of the cluster. What it leaves to its default is left out.
 *
 * @throws InflessError INVALID_INPUT for a model that is no image in a registry: no node could get it.
 */
export function objectOf(declaration: FunctionDeclaration): InferenceFunction {
  const { name, labels, annotations } = declaration;
  return {
    apiVersion: API_VERSION,
    kind: INFERENCE_FUNCTION.kind,
    metadata: { name, ...present({ labels, annotations }) },
    spec: specOf(declaration),
  };
}

function specOf(declaration: FunctionDeclaration): Spec {
  const {
    slo,
    percentile,
    scale,
    limits,
    profile,
    environment,
    insecure,
    maxBatch,
    batching,
    batchAxis,
    shapes,
    late,
    maxWait,
    provider,
  } = declaration;
  return {
    image: imageOf(declaration),
    slo: { latency: slo, ...present({ percentile }) },
    ...present({
      insecure,
      scale: scale && present(instancesOf(scale)),
      maxBatch,
      batching,
      batchAxis: givenAxesOf(batchAxis),
      sample: sampleOf(declaration),
      shapes,
      limits: limits && present({ cpu: limits.cpu?.toString(), gpuPercent: limits.gpu }),
      provider,
      profile: profile === undefined ? undefined : { configMap: parseProfileReference(profile) },
      env: environment && Object.entries(environment).map(([name, value]) => ({ name, value })),
      secrets: declaration.secrets,
      nodeSelector: declaration.nodeSelector,
      late,
      maxWait,
    }),
  };
}

function instancesOf({ min, max, idle, weight, policy }: NonNullable<FunctionDeclaration['scale']>) {
  return { minInstances: min, maxInstances: max, idle, weight, policy };
}

/** @throws InflessError INVALID_INPUT for a file: no node has it */
function sampleOf({ name, sample }: FunctionDeclaration): Spec['sample'] {
  if (typeof sample !== 'string') return sample;
  throw new InflessError(
    'INVALID_INPUT',
    `Function "${name}" names the sample ${sample}, which the nodes of a cluster do not have`,
    { remedy: 'Write the request in its place, or pack it into the image with infless-pack --sample.' },
  );
}

function imageOf({ name, model, image }: FunctionDeclaration): string {
  if (image !== undefined && !isLayoutName(image)) return image;
  const what = image === undefined ? `the model ${model}` : `the folder ${image}`;
  throw new InflessError(
    'INVALID_INPUT',
    `Function "${name}" names ${what}, which the nodes of a cluster cannot fetch`,
    { remedy: 'Pack it into a registry with infless-pack, and give the name as "image".' },
  );
}

/**
 * An object of the cluster as a declaration, which still is to be parsed: not all rules are in the object's
 * schema.
 */
export function declarationOf({ metadata, spec }: InferenceFunction): FunctionDeclaration {
  const { [LAST_APPLIED]: _, ...annotations } = metadata?.annotations ?? {};
  const { slo, scale, limits, profile, env, image, insecure, maxBatch, batching, late, maxWait } = spec;
  const { batchAxis, sample, shapes } = spec;
  return {
    name: metadata!.name!, // every object has one
    image,
    slo: slo.latency,
    ...present({
      percentile: slo.percentile,
      insecure,
      scale: scale && present(scaleOf(scale)),
      maxBatch,
      batching,
      batchAxis,
      sample,
      shapes,
      limits: limits && present({ cpu: coresOf(limits.cpu), gpu: limits.gpuPercent }),
      provider: spec.provider,
      profile: profile && formatProfileReference(profile.configMap),
      environment: env && Object.fromEntries(env.map((each) => [each.name, each.value ?? ''])),
      secrets: spec.secrets,
      nodeSelector: spec.nodeSelector,
      late,
      maxWait,
      labels: metadata?.labels,
      annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
    }),
  };
}

function scaleOf({ minInstances, maxInstances, idle, weight, policy }: NonNullable<Spec['scale']>) {
  return { min: minInstances, max: maxInstances, idle, weight, policy };
}

/** The definition lets nothing but numbers and millicores through. */
function coresOf(cpu: number | string | undefined): number | undefined {
  if (typeof cpu !== 'string') return cpu;
  return cpu.endsWith('m') ? Number(cpu.slice(0, -1)) / 1000 : Number(cpu);
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined: a field that is not there has its default. */
function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
