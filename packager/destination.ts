import { InflessError } from '../models/base/errors.ts';
import { isRegistryName } from './image-name.ts';
import { isLayoutName, type LayoutName, parseLayoutName } from './layout/layout-name.ts';
import { writeDockerArchive } from './layout/write-docker-archive.ts';
import { writeDockerfile } from './layout/write-dockerfile.ts';
import { writeLayout } from './layout/write-layout.ts';
import type { Digest } from './oci/schema.ts';
import type { PackedImages } from './packed-images.ts';
import type { ImageProgress } from './progress-line.ts';
import { type PushReport, pushBundle } from './registry/push.ts';
import { formatReference, parseReference, type Reference } from './registry/reference.ts';

const ARCHIVE_PREFIX = 'docker-archive:';

/** Where an image goes. */
export type Destination =
  | { readonly kind: 'registry'; readonly reference: Reference }
  | { readonly kind: 'layout'; readonly layout: LayoutName }
  | { readonly kind: 'docker-archive'; readonly file: string; readonly reference: Reference }
  | { readonly kind: 'dockerfile'; readonly directory: string };

export interface DeliverOptions {
  readonly insecure: boolean;
  readonly signal: AbortSignal;
  readonly progress: ImageProgress;
}

/** How the image is called from now on, and what was sent where it was pushed. */
export interface Delivery {
  /** A name to deploy by: with the digest where readers keep it. */
  readonly name: string;
  readonly push?: PushReport;
}

/** What the command line says of it. */
export interface DestinationFlags {
  /** `oci:DIR[:TAG]`, `docker-archive:FILE` */
  readonly output?: string | undefined;
  readonly dockerfile?: string | undefined;
}

/**
 * Reads `-o` and `--dockerfile`; without them, a name alone is one in a registry.
 *
 * @param reference what the image is called
 * @throws InflessError INVALID_INPUT
 */
export function destinationOf(flags: DestinationFlags, reference: Reference | undefined): Destination {
  const { output, dockerfile } = flags;
  if (output !== undefined && dockerfile !== undefined) {
    throw new InflessError('INVALID_INPUT', 'Both -o and --dockerfile say where the image should go', {
      remedy: 'Give one of them.',
    });
  }
  if (dockerfile !== undefined) return { kind: 'dockerfile', directory: dockerfile };
  if (output !== undefined) return outputOf(output, reference);
  if (reference !== undefined) return { kind: 'registry', reference };
  throw new InflessError('INVALID_INPUT', 'Nothing says where the image should go', {
    remedy: 'Name it with -t to push it to a registry, or write it with -o oci:FOLDER.',
  });
}

function outputOf(output: string, reference: Reference | undefined): Destination {
  if (isLayoutName(output)) {
    const layout = parseLayoutName(output);
    const tag = layout.tag ?? reference?.tag;
    return { kind: 'layout', layout: tag === undefined ? layout : { ...layout, tag } };
  }
  if (output.startsWith(ARCHIVE_PREFIX) && output.length > ARCHIVE_PREFIX.length) {
    if (reference?.tag === undefined) {
      throw new InflessError('INVALID_INPUT', 'An image in a Docker archive needs a name with a tag', {
        remedy: 'Give it one with -t, like -t resnet:1.',
      });
    }
    return { kind: 'docker-archive', file: output.slice(ARCHIVE_PREFIX.length), reference };
  }
  throw new InflessError('INVALID_INPUT', `Output "${output}" is none that we can write`, {
    remedy: 'Write oci:FOLDER, or docker-archive:FILE; without -o the image is pushed to the registry of -t.',
  });
}

/**
 * Writes an image to where it goes.
 *
 * @param reference what the image is called, where it has a name
 * @throws InflessError REGISTRY_FAILED, STORAGE_FAILED, IMAGE_CORRUPT
 */
export async function deliver(
  packed: PackedImages,
  destination: Destination,
  reference: Reference | undefined,
  { insecure, signal, progress }: DeliverOptions,
): Promise<Delivery> {
  const { digest } = packed.root.descriptor;
  const writing = { signal, onProgress: progress.onWrite };
  switch (destination.kind) {
    case 'registry': {
      const options = { insecure, signal, onProgress: progress.onPush };
      const push = await pushBundle(packed, destination.reference, options);
      return { name: byDigest(destination.reference, digest), push };
    }
    case 'layout': {
      const { directory, tag } = destination.layout;
      await writeLayout(packed, directory, { ...writing, tag });
      return { name: reference === undefined ? digest : byDigest(reference, digest) };
    }
    case 'docker-archive': {
      const name = formatReference(destination.reference);
      await writeDockerArchive(packed, destination.file, name, writing);
      return { name }; // Docker may not keep its digest
    }
    case 'dockerfile':
      await writeDockerfile(packed, destination.directory, { ...writing, base: pullableBase(packed) });
      return { name: reference === undefined ? destination.directory : formatReference(reference) };
  }
}

/** Without the tag: several tools take no name that has both. */
function byDigest({ registry, repository }: Reference, digest: Digest): string {
  return formatReference({ registry, repository, digest });
}

/** A base that a builder can pull by itself; any other has to lie beside the Dockerfile. */
function pullableBase({ bases: [base] }: PackedImages): { name: string; layerCount: number } | undefined {
  if (base === undefined || !isRegistryName(base.name)) return undefined;
  const { image } = base;
  const name = byDigest(parseReference(base.name), image.manifest.descriptor.digest);
  return { name, layerCount: image.layers.length };
}
