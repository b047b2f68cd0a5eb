import { InflessError } from '../models/base/errors.ts';
import { isLayoutName, type LayoutName, parseLayoutName } from './layout/layout-name.ts';
import { writeDockerArchive } from './layout/write-docker-archive.ts';
import { writeLayout } from './layout/write-layout.ts';
import type { Bundle } from './oci/image.ts';
import type { Digest } from './oci/schema.ts';
import type { ImageProgress } from './progress-line.ts';
import { type PushReport, pushBundle } from './registry/push.ts';
import { formatReference, type Reference } from './registry/reference.ts';

const ARCHIVE_PREFIX = 'docker-archive:';

/** Where an image goes. */
export type Destination =
  | { readonly kind: 'registry'; readonly reference: Reference }
  | { readonly kind: 'layout'; readonly layout: LayoutName }
  | { readonly kind: 'docker-archive'; readonly file: string; readonly reference: Reference };

export interface DeliverOptions {
  readonly insecure: boolean;
  readonly signal: AbortSignal;
  readonly progress: ImageProgress;
}

/** How the image is called from now on, and what was sent where it was pushed. */
export interface Delivery {
  /** A name to deploy by. Where it was pushed or stays in a layout, the digest is part of it. */
  readonly name: string;
  readonly push?: PushReport;
}

/**
 * Reads `-o`; without it, a tag alone is the name in a registry.
 *
 * @param output `oci:DIR[:TAG]`, `docker-archive:FILE`
 * @param reference what the image is called
 * @throws InflessError INVALID_INPUT
 */
export function destinationOf(output: string | undefined, reference: Reference | undefined): Destination {
  if (output === undefined) {
    if (reference !== undefined) return { kind: 'registry', reference };
    throw new InflessError('INVALID_INPUT', 'Nothing says where the image should go', {
      remedy: 'Name it with -t to push it to a registry, or write it with -o oci:FOLDER.',
    });
  }
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
  bundle: Bundle,
  destination: Destination,
  reference: Reference | undefined,
  { insecure, signal, progress }: DeliverOptions,
): Promise<Delivery> {
  const { digest } = bundle.root.descriptor;
  switch (destination.kind) {
    case 'registry': {
      const onProgress = progress.onPush;
      const push = await pushBundle(bundle, destination.reference, { insecure, signal, onProgress });
      return { name: formatReference(push.reference), push };
    }
    case 'layout': {
      const { directory, tag } = destination.layout;
      await writeLayout(bundle, directory, { tag, signal, onProgress: progress.onWrite });
      return { name: nameOf(reference, digest) };
    }
    case 'docker-archive': {
      const name = formatReference(destination.reference);
      await writeDockerArchive(bundle, destination.file, name, { signal, onProgress: progress.onWrite });
      return { name }; // by digest it is known only to those who keep digests, which Docker may not
    }
  }
}

/** An image without a name is still known by its digest. */
function nameOf(reference: Reference | undefined, digest: Digest): string {
  return reference === undefined ? digest : formatReference({ ...reference, digest });
}
