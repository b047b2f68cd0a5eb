import { join } from 'node:path';
import { InflessError } from '../../models/base/errors.ts';
import { streamToFile, writeFileSafely } from '../../models/base/files.ts';
import type { Blob } from '../oci/blob.ts';
import { readDocument } from '../oci/document.ts';
import type { Bundle } from '../oci/image.ts';
import { isGzipMediaType } from '../oci/media-types.ts';
import { imageConfigSchema } from '../oci/schema.ts';
import { dockerfileOf } from './dockerfile.ts';
import { isVacant, makeFolder } from './new-folder.ts';
import { type WriteOptions, watched } from './progress.ts';
import { onlyImage } from './write-docker-archive.ts';

export interface DockerfileOptions extends WriteOptions {
  /**
   * What to build on instead of unpacking the lowest layers: an image's name, and how many layers it brings.
   */
  readonly base?: { readonly name: string; readonly layerCount: number } | undefined;
}

/**
 * Writes a folder for those who must use a builder of their own: `docker build DIR`, `buildah bud DIR`. Each
 * layer is one archive, which the builder unpacks with the owners and modes it should have.
 *
 * @throws InflessError INVALID_INPUT for several platforms or a folder that holds something already
 */
export async function writeDockerfile(
  bundle: Bundle,
  directory: string,
  options: DockerfileOptions = {},
): Promise<void> {
  const image = onlyImage(bundle, 'A Dockerfile');
  if (!(await isVacant(directory))) {
    throw new InflessError('INVALID_INPUT', `Folder ${directory} holds something already`, {
      remedy: 'Name a new or an empty folder.',
    });
  }
  const { base } = options;
  const { config = {} } = await readDocument(image.config, imageConfigSchema, 'The image', 'config');
  const layers = image.layers.slice(base?.layerCount ?? 0);
  const archives = layers.map(archiveName);
  const dockerfile = dockerfileOf(config, archives, base?.name ?? 'scratch');
  await makeFolder(directory, async (folder) => {
    for (const [position, layer] of layers.entries()) {
      await streamToFile([watched(layer, options)], join(folder, archives[position]!), {
        signal: options.signal,
      });
      options.onProgress?.({ type: 'done', descriptor: layer.descriptor, outcome: 'written' });
    }
    await writeFileSafely(join(folder, 'Dockerfile'), dockerfile);
  });
}

function archiveName({ descriptor }: Blob, position: number): string {
  return `layer-${position + 1}.tar${isGzipMediaType(descriptor.mediaType) ? '.gz' : ''}`;
}
