import { InflessError } from '../base/errors.ts';
import { readTextIfPresent } from '../base/files.ts';
import { parseJson, parseWith } from '../base/schema.ts';
import { contentOf, sizeOfModel } from '../engines/content.ts';
import { engineFor } from '../engines/index.ts';
import { believed, type ModelFile, type ModelManifest, modelManifestSchema } from '../manifest/manifest.ts';

/**
 * A model whose manifest somebody has written down. Its size is compared, not its digest: hashing gigabytes
 * at each start is what the written manifest is there to spare.
 *
 * @throws InflessError MODEL_NOT_FOUND, MODEL_CORRUPT
 */
export async function describedModel(path: string, manifestFile: string, name?: string): Promise<ModelFile> {
  const manifest = await readManifest(manifestFile);
  const sizeBytes = sizeOfModel(await contentOf(engineFor(manifest.format), path));
  if (sizeBytes !== manifest.sizeBytes) {
    throw new InflessError(
      'MODEL_CORRUPT',
      `Model file ${path} has ${sizeBytes} bytes, and ${manifestFile} describes one of ${manifest.sizeBytes}`,
      { remedy: 'Use the manifest of this very model, or none.' },
    );
  }
  return { path, manifest: name === undefined ? manifest : { ...manifest, name } };
}

async function readManifest(file: string): Promise<ModelManifest> {
  const boundary = { what: `Model manifest ${file}`, code: 'MODEL_CORRUPT' } as const;
  const text = await readTextIfPresent(file);
  if (text === undefined) throw new InflessError('MODEL_NOT_FOUND', `${boundary.what} does not exist`);
  return believed(parseWith(modelManifestSchema, parseJson(text, boundary), boundary));
}
