import { InflessError } from '../models/base/errors.ts';
import { parseCpuMillicores, parseDurationMs } from '../models/base/units.ts';
import { type LocatedModel, locateModel } from '../models/resolve/locate-model.ts';
import type { Accelerator } from './contents/pack-image.ts';
import { type Destination, type DestinationFlags, destinationOf } from './destination.ts';
import type { Dialect } from './emit/emit.ts';
import { defaultBase } from './image-name.ts';
import type { Platform } from './oci/schema.ts';
import { readOptionsFile } from './options-file.ts';
import { parsePlatforms } from './platform-list.ts';
import { parseReference, type Reference } from './registry/reference.ts';

/** The command line, as it was written. */
export interface PackFlags extends DestinationFlags {
  readonly tag?: string;
  readonly base?: string;
  readonly platform?: string;
  readonly modelName?: string;
  readonly modelVersion?: string;
  readonly source?: string;
  /** False for `--no-profile`. */
  readonly profile?: string | false;
  readonly include?: readonly string[];
  readonly slo?: string;
  readonly maxBatch?: string;
  readonly cpu?: string;
  readonly emit?: Dialect;
  readonly insecure?: boolean;
  readonly accelerator?: Accelerator;
  readonly cudaLibraries?: readonly string[];
}

/** What is to be packed, how, and where it goes: flags, and below them `infless.yaml`. */
export interface PackSettings {
  readonly model: LocatedModel;
  readonly base: string;
  readonly platforms: readonly Platform[];
  readonly modelName: string;
  readonly version: string | undefined;
  readonly source: string | undefined;
  readonly profile: string | false | undefined;
  readonly include: readonly string[];
  readonly sloMs: number | undefined;
  readonly maxBatch: number | undefined;
  readonly cpuMillicores: number | undefined;
  readonly reference: Reference | undefined;
  readonly destination: Destination;
  readonly emit: Dialect | undefined;
  readonly insecure: boolean;
  readonly accelerator: Accelerator | undefined;
  /** Folders with libraries that the base may be without. */
  readonly cudaLibraries: readonly string[];
}

const LARGEST_BATCH = 4096;
/** Names that fit into the path of a request, `/v1/models/NAME`. */
const MODEL_NAME = /^[^/:?#%\s]+$/;

/** @throws InflessError INVALID_INPUT, MODEL_NOT_FOUND */
export async function packSettings(model: string, flags: PackFlags): Promise<PackSettings> {
  const file = await readOptionsFile(model);
  const located = await locateModel(model, file.model);
  const tag = flags.tag ?? file.tag;
  const reference = tag === undefined ? undefined : parseReference(tag);
  const slo = flags.slo ?? file.slo;
  const accelerator = flags.accelerator ?? file.accelerator;
  const cudaLibraries = flags.cudaLibraries ?? (file.cudaLibraries === undefined ? [] : [file.cudaLibraries]);
  return {
    model: located,
    base: flags.base ?? file.base ?? defaultBase(accelerator, cudaLibraries.length > 0),
    platforms: parsePlatforms(flags.platform?.split(',') ?? file.platforms ?? platformsOf(accelerator)),
    accelerator,
    cudaLibraries: checkLibraries(cudaLibraries, accelerator),
    modelName: checkName(flags.modelName ?? file.name ?? located.name),
    version: flags.modelVersion ?? file.version,
    source: flags.source ?? file.source,
    profile: flags.profile ?? file.profile,
    include: [...(file.include ?? []), ...(flags.include ?? [])],
    sloMs: slo === undefined ? undefined : parseSlo(slo),
    maxBatch: flags.maxBatch === undefined ? file.maxBatch : parseBatch(flags.maxBatch),
    cpuMillicores: flags.cpu === undefined ? undefined : parseCpuMillicores(flags.cpu, '--cpu'),
    reference,
    destination: destinationOf(flags, reference),
    emit: checkEmit(flags.emit, reference),
    insecure: flags.insecure ?? false,
  };
}

/** The only platform that has it; without an accelerator that of this machine. */
function platformsOf(accelerator: Accelerator | undefined): readonly string[] | undefined {
  return accelerator === 'cuda' ? ['linux/amd64'] : undefined;
}

function checkLibraries(folders: readonly string[], accelerator: Accelerator | undefined): readonly string[] {
  if (folders.length === 0 || accelerator === 'cuda') return folders;
  throw new InflessError('INVALID_INPUT', '--cuda-libraries is of use in images for GPUs alone', {
    remedy: 'Give --accelerator cuda as well.',
  });
}

function checkName(name: string): string {
  if (MODEL_NAME.test(name)) return name;
  throw new InflessError(
    'INVALID_INPUT',
    `"${name}" cannot be the name of a model in the path of a request`,
    {
      remedy: 'Give it one without / : ? # % or spaces, with --model-name.',
    },
  );
}

function parseSlo(text: string): number {
  const sloMs = parseDurationMs(text, 'SLO');
  if (sloMs >= 1) return sloMs;
  throw new InflessError('INVALID_INPUT', `SLO "${text}" is shorter than a millisecond`);
}

function parseBatch(text: string): number {
  const batch = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (batch >= 1 && batch <= LARGEST_BATCH) return batch;
  throw new InflessError(
    'INVALID_INPUT',
    `--max-batch "${text}" is not a whole number from 1 to ${LARGEST_BATCH}`,
  );
}

function checkEmit(dialect: Dialect | undefined, reference: Reference | undefined): Dialect | undefined {
  if (dialect === undefined || reference !== undefined) return dialect;
  throw new InflessError('INVALID_INPUT', 'A deployment file needs the name of the image', {
    remedy: 'Give it with -t.',
  });
}
