import { InflessError } from '../models/base/errors.ts';
import type { RequestLike } from '../models/manifest/example.ts';
import type { BatchingChoice } from '../models/manifest/manifest.ts';
import { type LocatedModel, locateModel } from '../models/resolve/locate-model.ts';
import { readLikeness } from '../models/sample/options.ts';
import { type Accelerator, defaultBase, platformsOf } from './contents/base/default-base.ts';
import { hostPlatform } from './contents/base/host-base.ts';
import { type Destination, destinationOf } from './destination.ts';
import type { Dialect } from './emit/deployment.ts';
import type { Platform } from './oci/schema.ts';
import { type PackValues, parseModelName } from './pack-options.ts';
import { parseReference, type Reference } from './registry/reference.ts';

/** What is to be packed, how, and where it goes. */
export interface PackSettings {
  readonly model: LocatedModel;
  readonly base: string;
  readonly platforms: readonly Platform[];
  readonly modelName: string;
  readonly version: string | undefined;
  readonly source: string | undefined;
  readonly profile: string | false | undefined;
  readonly include: readonly string[];
  /** What requests look like. */
  readonly like: RequestLike;
  readonly sloMs: number | undefined;
  readonly maxBatch: number | undefined;
  readonly batching: BatchingChoice;
  readonly cpuMillicores: number | undefined;
  readonly reference: Reference | undefined;
  readonly destination: Destination;
  readonly emit: Dialect | undefined;
  readonly insecure: boolean;
  readonly accelerator: Accelerator | undefined;
  /** Folders with libraries that the base may be without. */
  readonly cudaLibraries: readonly string[];
}

/** @throws InflessError INVALID_INPUT, MODEL_NOT_FOUND */
export async function packSettings(values: PackValues): Promise<PackSettings> {
  const model = await locateModel(values.model, values.modelFile);
  const reference = values.tag === undefined ? undefined : parseReference(values.tag);
  const { accelerator, cudaLibraries } = values;
  return {
    model,
    base: values.base ?? defaultBase(accelerator, cudaLibraries.length > 0),
    platforms: parsePlatforms(values.platform ?? platformsOf(accelerator)),
    accelerator,
    cudaLibraries: checkLibraries(cudaLibraries, accelerator),
    modelName: values.modelName ?? parseModelName(model.name),
    version: values.modelVersion,
    source: values.source,
    profile: values.profile,
    include: values.include,
    like: await readLikeness(values),
    sloMs: values.slo,
    maxBatch: values.maxBatch,
    batching: values.batching,
    cpuMillicores: values.cpu,
    reference,
    destination: destinationOf(values, reference),
    emit: checkEmit(values.emit, reference),
    insecure: values.insecure,
  };
}

function checkLibraries(folders: readonly string[], accelerator: Accelerator | undefined): readonly string[] {
  if (folders.length === 0 || accelerator === 'cuda') return folders;
  throw new InflessError('INVALID_INPUT', '--cuda-libraries is of use in images for GPUs alone', {
    remedy: 'Give --accelerator cuda as well.',
  });
}

function checkEmit(dialect: Dialect | undefined, reference: Reference | undefined): Dialect | undefined {
  if (dialect === undefined || reference !== undefined) return dialect;
  throw new InflessError('INVALID_INPUT', 'A deployment file needs the name of the image', {
    remedy: 'Give it with -t.',
  });
}

/**
 * The platforms of `linux/amd64`, …; without any, Linux on this machine's processor.
 *
 * @throws InflessError INVALID_INPUT
 */
export function parsePlatforms(names: readonly string[] | undefined): readonly Platform[] {
  if (names === undefined) return [{ os: 'linux', architecture: hostPlatform().architecture }];
  return [...new Set(names.map((name) => name.trim()))].map((name) => {
    const [os, architecture, variant, ...surplus] = name.split('/');
    if (!os || !architecture || variant === '' || surplus.length > 0) {
      throw new InflessError('INVALID_INPUT', `"${name}" is no platform`, {
        remedy: 'Write --platform linux/amd64, or several with commas between them.',
      });
    }
    return { os, architecture, ...(variant === undefined ? {} : { variant }) };
  });
}
