import { z } from 'zod';
import { InflessError } from '../../../models/base/errors.ts';
import { formatCores, parseCpuMillicores } from '../../../models/base/units.ts';
import type { FunctionDeclaration } from '../../functions/spec.ts';
import type { ImageReading } from '../image-reading.ts';
import { SETTINGS, type Settings } from './labels.ts';

/** Go writes an empty map as null, and YAML files hold numbers where texts are meant. */
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const texts = z
  .record(z.string(), text)
  .nullish()
  .transform((map) => map ?? {});
const list = z
  .array(z.string())
  .nullish()
  .transform((items) => items ?? []);

/**
 * What OpenFaaS' clients send to deploy a function. What an inference function has no use for is let pass:
 * its memory is measured, its requests are planned, its root file system is never written to.
 */
export const functionDeploymentSchema = z.object({
  service: z.string().min(1),
  image: z.string().min(1),
  namespace: z.string().nullish(),
  envProcess: z.string().nullish(),
  envVars: texts,
  constraints: list,
  secrets: list,
  labels: texts,
  annotations: texts,
  limits: z.object({ cpu: text.optional(), 'nvidia.com/gpu': text.optional() }).nullish(),
  /**
   * The faas-cli of INFless sends it, from the key of this name in its stack files; what it holds is the SLO
   * in ms.
   */
  qpsPerInstance: text.nullish(),
});
export type FunctionDeployment = z.output<typeof functionDeploymentSchema>;

/** What is answered of a function, beside what is known of its instances. */
export interface DeployedFunction {
  readonly image: string;
  readonly envProcess?: string;
  readonly envVars?: Readonly<Record<string, string>>;
  readonly constraints?: readonly string[];
  readonly secrets?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly limits?: { readonly cpu: string };
}

/** The SLO of who names none: that of INFless' own examples. */
const DEFAULT_SLO_MS = 200;
/** Where it is told why a function has no instance that is ready; no one sets it. */
export const REASON_ANNOTATION = 'infless.io/reason';
/** In which the watchdog of OpenFaaS' images finds what to run. */
const PROCESS_VARIABLE = 'fprocess';

/**
 * What a deployment declares, still to be parsed as any declaration is.
 *
 * @throws InflessError INVALID_INPUT for labels and constraints that nothing can be made of
 */
export function declarationOf(deployment: FunctionDeployment, reading: ImageReading): FunctionDeclaration {
  const { service, image, labels, envVars, envProcess, secrets, constraints } = deployment;
  const { [REASON_ANNOTATION]: _, ...annotations } = deployment.annotations;
  const { limits, ...settings } = settingsOf(deployment);
  const environment = { ...envVars, ...(envProcess ? { [PROCESS_VARIABLE]: envProcess } : {}) };
  return {
    name: service,
    ...reading(image),
    slo: sloOf(deployment),
    ...settings,
    ...filled({ environment, labels, annotations }),
    ...(secrets.length === 0 ? {} : { secrets }),
    ...filled({
      nodeSelector: Object.fromEntries(constraints.map(selectorOf)),
      limits: { ...limitsOf(deployment), ...limits },
    }),
  };
}

/** A declaration as its deployment, whoever declared it: deployed again, it declares the same. */
export function deployedFunction(declaration: FunctionDeclaration): DeployedFunction {
  const { [PROCESS_VARIABLE]: envProcess, ...envVars } = declaration.environment ?? {};
  const { cpu } = declaration.limits ?? {};
  const { secrets = [], nodeSelector = {} } = declaration;
  const constraints = Object.entries(nodeSelector).map(([label, value]) => `${label}=${value}`);
  return {
    image: (declaration.image ?? declaration.model)!, // it has one of them
    ...(envProcess === undefined ? {} : { envProcess }),
    ...filled({ envVars }),
    ...(constraints.length === 0 ? {} : { constraints }),
    ...(secrets.length === 0 ? {} : { secrets }),
    ...(cpu === undefined ? {} : { limits: { cpu: formatCores(cpu * 1000) } }),
    ...toldSettings(declaration),
  };
}

function settingsOf({ labels, annotations }: FunctionDeployment): Settings {
  const given = { ...annotations, ...labels };
  return SETTINGS.reduce<Settings>((settings, { keys, read }) => {
    const key = keys.find((each) => given[each] !== undefined);
    return key === undefined ? settings : read(given[key]!, key, settings);
  }, {});
}

/** Labels and annotations as they were given, but for settings: those are told as they are. */
function toldSettings(declaration: FunctionDeclaration): Pick<DeployedFunction, 'labels' | 'annotations'> {
  const labels = { ...declaration.labels };
  const annotations = { ...declaration.annotations };
  for (const { keys, kind, tell } of SETTINGS) {
    const places = [labels, annotations];
    const key = keys.find((each) => places.some((place) => place[each] !== undefined)) ?? keys[0];
    const place = places.find((each) => each[key] !== undefined);
    const value = tell(declaration, place?.[key]);
    for (const each of places) for (const other of keys) delete each[other];
    if (value !== undefined) (place ?? (kind === 'label' ? labels : annotations))[key] = value;
  }
  return { labels, annotations };
}

function sloOf({ qpsPerInstance }: FunctionDeployment): string {
  return `${qpsPerInstance || DEFAULT_SLO_MS}ms`;
}

function limitsOf({ limits }: FunctionDeployment): NonNullable<FunctionDeclaration['limits']> {
  const { cpu, 'nvidia.com/gpu': gpus } = limits ?? {};
  return {
    ...(cpu ? { cpu: parseCpuMillicores(cpu, 'limits.cpu') / 1000 } : {}),
    ...(gpus ? { gpu: Number(gpus) === 0 ? 0 : 100 } : {}),
  };
}

/** `label=value`, or `label==value` as faasd's users write it. */
function selectorOf(constraint: string): [string, string] {
  const match = /^\s*([^=!\s]+)\s*==?\s*([^=\s]*)\s*$/.exec(constraint);
  if (match !== null) return [match[1]!, match[2]!];
  throw new InflessError('INVALID_INPUT', `Constraint "${constraint}" is not of the form label=value`, {
    remedy: 'Name a label that nodes must have, e.g. kubernetes.io/hostname=node-2.',
  });
}

/** Without maps that hold nothing: they say no more than their absence. */
function filled<T extends Readonly<Record<string, object>>>(maps: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(maps).filter(([, map]) => Object.keys(map).length > 0),
  ) as Partial<T>;
}
