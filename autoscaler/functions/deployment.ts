import { createHash } from 'node:crypto';
import { InflessError } from '../../models/base/errors.ts';
import { canBatch, type ModelFile } from '../../models/manifest/manifest.ts';
import { SERVER_ENVIRONMENT } from '../../packager/server/instance-protocol.ts';
import { tailWarnings } from '../../profiles/capacity/tails.ts';
import { gradeWarnings } from '../../profiles/conditions/grade.ts';
import { LOCAL_PERIOD_MICROS, underPeriod } from '../../profiles/conditions/period.ts';
import { shapeWarnings } from '../../profiles/conditions/shapes.ts';
import { readHost, sameHost } from '../../profiles/host.ts';
import { readTable, type StoredTable } from '../../profiles/store.ts';
import { withTimeSlices } from '../../profiles/time-slices.ts';
import { chooseTable, type FoundModel, findModel } from './model-source.ts';
import { chooseProvider, type ProviderChoice } from './provider-choice.ts';
import { likeEnvironment } from './request-like.ts';
import { type FunctionSpec, modelReference } from './spec.ts';

/** A declared function with everything found that is needed to run it. */
export interface Deployment {
  readonly spec: FunctionSpec;
  /** Its path is where instances find it: a file or, on a cluster, an image by its digest. */
  readonly model: ModelFile;
  /** Its file may be a key of a ConfigMap, or an image, as well. */
  readonly profile: StoredTable;
  readonly maxBatch: number;
  readonly workload: Workload;
  /**
   * What its owner should know although it runs, e.g. that the table was measured on another kind of host.
   */
  readonly warnings: readonly string[];
}

/**
 * Finds a function's model and its profile table.
 *
 * @param asKnown whether an image's name may stand for what it has stood for before, without a look-up
 * @throws InflessError MODEL_*, IMAGE_*, REGISTRY_FAILED, PROFILE_*: what is missing and how to get it.
 */
export async function resolveDeployment(spec: FunctionSpec, asKnown = false): Promise<Deployment> {
  const found = await findModel(spec, asKnown);
  const { model } = found;
  const profile = await profileOf(spec, found);
  const maxBatch = canBatch(model.manifest) ? (spec.maxBatch ?? Number.MAX_SAFE_INTEGER) : 1;
  const { limits, environment } = await chooseProvider(spec, model.manifest.format, profile.table);
  return {
    spec: { ...spec, limits },
    model,
    profile,
    maxBatch,
    workload: workloadOf(spec, found, profile, environment),
    warnings: await warningsOf(found, profile, spec.percentile),
  };
}

/** A table of whole GPUs is one of their time slices, too. */
async function profileOf(spec: FunctionSpec, found: FoundModel): Promise<StoredTable> {
  const { file, table } = await storedProfileOf(spec, found);
  return { file, table: underPeriod(withTimeSlices(table), LOCAL_PERIOD_MICROS) };
}

async function storedProfileOf(spec: FunctionSpec, found: FoundModel): Promise<StoredTable> {
  const { manifest } = found.model;
  const { digest } = manifest;
  const measure = `infless-profile ${found.measurable}`;
  if (spec.profile === undefined) {
    const stored = await chooseTable(found.image?.profile, manifest);
    if (stored !== undefined) return stored;
    throw new InflessError(
      'PROFILE_NOT_FOUND',
      `No profile table is known for ${found.title} of function "${spec.name}"`,
      { remedy: `Measure one with: ${measure}` },
    );
  }
  const table = await readTable(spec.profile);
  if (table.model.digest === digest) return { file: spec.profile, table };
  throw new InflessError(
    'PROFILE_INVALID',
    `Profile table ${spec.profile} was measured on another model than ${modelReference(spec)}`,
    { remedy: `Measure this one with: ${measure}` },
  );
}

function workloadOf(
  spec: FunctionSpec,
  { model, image, sampleDigest }: FoundModel,
  profile: StoredTable,
  ofProvider: ProviderChoice['environment'],
): Workload {
  const { path, manifest } = model;
  // the path of what is unpacked tells all of its files apart
  const content = image === undefined ? manifest.digest : path;
  return {
    version: versionOf([content, sampleDigest ?? []].flat().join(' '), spec, ofProvider),
    model: path,
    modelName: spec.name,
    sloMs: spec.slo,
    environment: {
      ...spec.environment,
      ...ofProvider,
      ...batchingOf(spec),
      ...likeEnvironment(spec),
      [SERVER_ENVIRONMENT.profile]: profile.file,
      ...(image === undefined ? {} : { [SERVER_ENVIRONMENT.manifest]: image.manifestFile }),
    },
    secrets: spec.secrets,
  };
}

/** What tells instances that their user trusts the model. */
export function batchingOf({ batching }: FunctionSpec): Readonly<Record<string, string>> {
  return batching === 'trust' ? { [SERVER_ENVIRONMENT.batching]: batching } : {};
}

/**
 * Tells instances of one deployment from those of another.
 *
 * @param content the digest of the model's files, or another name that changes with them; after a space,
 * that of the sample, where the function names a file
 */
export function versionOf(
  content: string,
  spec: FunctionSpec,
  ofProvider: ProviderChoice['environment'] = {},
): string {
  const { name, environment, secrets } = spec;
  const variables = Object.entries({
    ...environment,
    ...ofProvider,
    ...batchingOf(spec),
    ...likeEnvironment(spec),
  }).sort();
  const identity = JSON.stringify([content, name, variables, [...secrets].sort()]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 12);
}

async function warningsOf(found: FoundModel, profile: StoredTable, percentile: number): Promise<string[]> {
  const failure = found.image?.failure;
  return [
    ...(failure === undefined
      ? []
      : [`${failure.message}: ${found.title} is served as it was last fetched.`]),
    ...gradeWarnings(profile.table, profile.file),
    ...tailWarnings(profile.table, profile.file, percentile),
    ...shapeWarnings(profile.table, profile.file, found.model.manifest),
    ...(await hostWarnings(found, profile)),
  ];
}

async function hostWarnings(
  { image, title, measurable }: FoundModel,
  { table, file }: StoredTable,
): Promise<string[]> {
  const host = await readHost();
  if (sameHost(table.host, host)) return [];
  const hosts = `was measured on ${table.host.cpuModel}, this host is ${host.cpuModel}`;
  if (file !== image?.profile?.file) return [`Profile table ${file} ${hosts}: measure it again here.`];
  return [
    `The profile table of ${title} ${hosts}: measure it again here with infless-profile ${measurable}, and name the result as "profile".`,
  ];
}

/** What an instance of a function runs. `version` changes when any of it does. */
export interface Workload {
  readonly version: string;
  /** A model file or zoo name (local), or an image reference (Kubernetes). */
  readonly model: string;
  readonly modelName: string;
  readonly sloMs: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Names of secrets its instances can read, each a file of this name in the folder of secrets. */
  readonly secrets: readonly string[];
}
