import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { InflessError } from '../../models/base/errors.ts';
import { ensureDirectory, streamToFile } from '../../models/base/files.ts';
import type { Blob } from '../oci/blob.ts';
import { formatPlatform } from '../oci/choose-platform.ts';
import { type Bundle, contentsOf, type Image } from '../oci/image.ts';
import { MEDIA_TYPES } from '../oci/media-types.ts';
import type { ImageIndex } from '../oci/schema.ts';
import { tarOf } from '../tar/tar.ts';
import type { FileEntry } from '../tar/tar-entry.ts';
import { blobPath, INDEX_FILE, MARKER, MARKER_FILE, tagged } from './layout-files.ts';
import { type WriteOptions, watched } from './progress.ts';

const REMEDY = 'Choose a folder that can be written and has room.';

/** The entry of index.json by which containerd knows what to call an image. */
const NAME_ANNOTATION = 'io.containerd.image.name';

/**
 * Writes a tar for `docker load`, `podman load` and `ctr import`: an OCI layout with Docker's manifest.json
 * beside it, as Docker itself writes it, so that the image keeps its digest where the reader knows about
 * digests.
 *
 * @param name the image's full name with its tag: `docker.io/library/resnet:1`
 * @throws InflessError INVALID_INPUT for several platforms, which the format does not hold
 */
export async function writeDockerArchive(
  bundle: Bundle,
  file: string,
  name: string,
  options: WriteOptions = {},
): Promise<void> {
  const image = onlyImage(bundle, 'A Docker archive');
  const blobs = contentsOf({ ...bundle, root: image.manifest, referrers: [] });
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: [
      tagged(
        { ...image.manifest.descriptor, annotations: { [NAME_ANNOTATION]: name } },
        name.slice(name.lastIndexOf(':') + 1),
      ),
    ],
  };
  const docker = [
    {
      Config: blobPath(image.config.descriptor.digest),
      RepoTags: [name],
      Layers: image.layers.map(({ descriptor }) => blobPath(descriptor.digest)),
    },
  ];
  const tar = await tarOf(
    [
      ...blobs.map((blob) => blobEntry(blob, options)),
      textEntry(MARKER_FILE, MARKER),
      textEntry(INDEX_FILE, JSON.stringify(index)),
      textEntry('manifest.json', JSON.stringify(docker)),
    ],
    new Date(0),
  );
  await ensureDirectory(dirname(file), REMEDY);
  await streamToFile([tar.open()], file, { signal: options.signal, remedy: REMEDY });
  for (const { descriptor } of blobs) options.onProgress?.({ type: 'done', descriptor, outcome: 'written' });
}

function blobEntry(blob: Blob, options: WriteOptions): FileEntry {
  const { digest, size } = blob.descriptor;
  return {
    type: 'file',
    path: blobPath(digest),
    mode: 0o644,
    sizeBytes: size,
    open: () => watched(blob, options),
  };
}

function textEntry(path: string, text: string): FileEntry {
  const bytes = Buffer.from(text);
  const open = () => Readable.from([bytes], { objectMode: false });
  return { type: 'file', path, mode: 0o644, sizeBytes: bytes.byteLength, open };
}

/**
 * The image of a bundle that has one.
 *
 * @param what that holds only one image, as it starts the sentence
 * @throws InflessError INVALID_INPUT for several platforms
 */
export function onlyImage(bundle: Bundle, what: string): Image {
  const [image, ...others] = bundle.images;
  if (image !== undefined && others.length === 0) return image;
  const platforms = bundle.images.map(({ platform }) => formatPlatform(platform)).join(', ');
  throw new InflessError('INVALID_INPUT', `${what} holds an image of one platform, not of ${platforms}`, {
    remedy: 'Name one with --platform, or write an OCI layout (-o oci:FOLDER).',
  });
}
