import { resolve } from 'node:path';
import { engineOf } from '../engines/index.ts';
import type { RequestLike } from '../manifest/example.ts';
import { likened } from '../manifest/inputs.ts';
import type { BatchingChoice, ModelFile } from '../manifest/manifest.ts';
import { isZooName } from '../zoo/names.ts';
import { asFound } from './batch-findings.ts';
import { locateModel } from './locate-model.ts';
import { inspectOnce } from './manifest-cache.ts';
import { describedModel } from './manifest-file.ts';

export interface ResolveOptions {
  /** What to call the model; default: as {@link locateModel} says. */
  readonly name?: string;
  /** A file that says what the model is, so that it need not be run to find out: an image has one. */
  readonly manifestFile?: string;
  /** Whether it shares runs although that is not proven; default: proven. */
  readonly batching?: BatchingChoice;
  /** Cores of who opens the model next in this process: some runtimes keep the threads of their first use. */
  readonly cpuMillicores?: number;
  /** What requests look like, where the user says it. */
  readonly like?: RequestLike;
}

/**
 * Finds a model by a zoo name or a path, and what it is.
 *
 * @throws InflessError as {@link locateModel}; MODEL_CORRUPT (also where a manifest file is of another
 * model), MODEL_UNSUPPORTED; INVALID_INPUT for a sample or shapes that the model does not take
 */
export async function resolveModel(reference: string, options: ResolveOptions = {}): Promise<ModelFile> {
  const { path, manifest } = await lookUp(reference, options);
  return { path, manifest: await asFound(manifest, options.batching) };
}

async function lookUp(reference: string, options: ResolveOptions): Promise<ModelFile> {
  if (options.manifestFile !== undefined && !isZooName(reference)) {
    const { path, manifest } = await describedModel(resolve(reference), options.manifestFile, options.name);
    return { path, manifest: options.like === undefined ? manifest : likened(manifest, options.like) };
  }
  const { path, name } = await locateModel(reference);
  const { cpuMillicores } = options;
  const on = cpuMillicores === undefined ? undefined : { cpuMillicores, gpuPercent: 0 };
  return { path, manifest: await inspectOnce(engineOf(path), path, options.name ?? name, on, options.like) };
}
