import { join } from 'node:path';
import { z } from 'zod';
import { InflessError } from '../../models/base/errors.ts';
import { cacheDirectory, readTextIfPresent, writeFileSafely } from '../../models/base/files.ts';
import { modelManifestSchema } from '../../models/manifest/manifest.ts';
import { profileTableSchema } from '../../profiles/table.ts';
import { openImage } from '../image-name.ts';
import { imageFacts } from '../inspect/image-facts.ts';
import type { RegistryOptions } from '../registry/options.ts';
import { formatReference, parseReference } from '../registry/reference.ts';

const factsSchema = z.object({
  /** Systems that it is for: `linux/amd64`. */
  platforms: z.array(z.string()).min(1),
  model: modelManifestSchema,
  profile: profileTableSchema.optional(),
});

/**
 * An image in a registry by its digest, so that it stays the same whatever becomes of its tag; and what it
 * says of itself.
 */
export interface PinnedImage extends z.infer<typeof factsSchema> {
  /** `registry.example/team/resnet@sha256:…`; of an image for several platforms, their index. */
  readonly reference: string;
}

/**
 * Finds out what the name of an image stands for now, and reads what the image says of itself without
 * fetching its weights. What is known of a digest already is not fetched again.
 *
 * @param name in a registry; one with a digest stands for that
 * @throws InflessError INVALID_INPUT for an image that is not ours, IMAGE_NOT_FOUND, IMAGE_CORRUPT,
 * REGISTRY_FAILED
 */
export async function pinImage(name: string, options: RegistryOptions = {}): Promise<PinnedImage> {
  const { registry, repository, digest } = parseReference(name);
  const known = digest === undefined ? undefined : await recall(digest);
  if (digest !== undefined && known !== undefined)
    return { ...known, reference: formatReference({ registry, repository, digest }) };
  const { root, images } = await openImage(name, options);
  // build attestations say "unknown"
  const usable = images.filter(({ platform }) => platform.os !== 'unknown');
  const [image] = usable;
  if (image === undefined) {
    throw new InflessError('IMAGE_NOT_FOUND', `${name} has no image in it`, {
      remedy: 'Name an image that infless-pack has written.',
    });
  }
  const { model, profile } = await imageFacts(image, name); // the same for all platforms
  const pinned = root.descriptor.digest;
  const facts = {
    platforms: usable.map(({ platform }) => `${platform.os}/${platform.architecture}`),
    model,
    ...(profile === undefined ? {} : { profile }),
  };
  await writeFileSafely(fileOf(pinned), JSON.stringify(facts));
  return { ...facts, reference: formatReference({ registry, repository, digest: pinned }) };
}

async function recall(digest: string): Promise<z.infer<typeof factsSchema> | undefined> {
  const text = await readTextIfPresent(fileOf(digest));
  if (text === undefined) return undefined;
  try {
    return factsSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // damaged, or of another version of this program: the image is asked again
  }
}

function fileOf(digest: string): string {
  return join(cacheDirectory(), 'images', digest.slice('sha256:'.length), 'facts.json');
}
