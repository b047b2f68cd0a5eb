import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InflessError } from './base/errors.ts';
import { cacheDirectory, readTextIfPresent, writeFileSafely } from './base/files.ts';
import { packageVersion } from './base/package.ts';
import type { Engine } from './engine.ts';
import { type ModelManifest, modelManifestSchema } from './manifest.ts';

/** Raise it when inspecting finds something else than before. */
const GENERATION = 1;

/**
 * What a model file is, remembered between processes: finding out reads the whole file and runs the model, 1.5 s
 * for a ResNet-50, which would be most of a serving process's cold start.
 *
 * The memory is keyed by the file's identity and times, so that a replaced file is looked at again; where the
 * cache cannot be written, every process looks for itself.
 */
export async function inspectOnce(engine: Engine, path: string, name: string): Promise<ModelManifest> {
  const file = await memoryFile(engine, path);
  if (file === undefined) return engine.inspect(path, name);
  const known = await recall(file);
  if (known !== undefined) return { ...known, name };
  const manifest = await engine.inspect(path, name);
  await remember(file, manifest);
  return manifest;
}

/** Undefined where there is no file: inspecting it then tells why. */
async function memoryFile(engine: Engine, path: string): Promise<string | undefined> {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  if (status === undefined) return undefined;
  const identity = [
    GENERATION,
    packageVersion,
    engine.version,
    path,
    status.dev,
    status.ino,
    status.size,
    status.mtimeNs,
    status.ctimeNs,
  ];
  const key = createHash('sha256').update(identity.join('\n')).digest('hex');
  return join(cacheDirectory(), 'manifests', `${key}.json`);
}

async function recall(file: string): Promise<ModelManifest | undefined> {
  const text = await readTextIfPresent(file).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return modelManifestSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // a damaged memory is as good as none
  }
}

async function remember(file: string, manifest: ModelManifest): Promise<void> {
  try {
    await writeFileSafely(file, JSON.stringify(manifest));
  } catch (error) {
    if (!(error instanceof InflessError)) throw error;
  }
}
