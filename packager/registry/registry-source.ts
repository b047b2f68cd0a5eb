import { InflessError } from '../../models/base/errors.ts';
import type { Blob } from '../oci/blob.ts';
import { fits, formatPlatform } from '../oci/choose-platform.ts';
import { readDocument } from '../oci/document.ts';
import type { Bundle, Image } from '../oci/image.ts';
import { isIndexMediaType } from '../oci/media-types.ts';
import { type Descriptor, type Digest, imageIndexSchema, type Platform } from '../oci/schema.ts';
import type { ImageSource } from '../oci/source.ts';
import { type ContentStore, readBundle, readImage } from '../oci/store.ts';
import type { RegistryOptions } from './options.ts';
import { formatReference, type Reference } from './reference.ts';
import { listReferrers } from './referrers.ts';
import { Registry } from './registry.ts';
import { Repository } from './repository.ts';

/** An image in a registry, as a base to build on or to look into. Layers are fetched when they are read. */
export class RegistrySource implements ImageSource {
  readonly name: string;
  readonly #reference: Reference;
  readonly #repository: Repository;

  constructor(reference: Reference, options: RegistryOptions = {}) {
    this.name = formatReference(reference);
    this.#reference = reference;
    this.#repository = new Repository(new Registry(reference.registry, options), reference.repository);
  }

  /** @throws InflessError IMAGE_NOT_FOUND, IMAGE_CORRUPT, REGISTRY_FAILED */
  async fetch(platform: Platform): Promise<Image> {
    const root = await this.#repository.manifest(this.#reference);
    const image = await readImage(this.#storeWith(root), root.descriptor, platform);
    if (fits(image.platform, platform)) return image;
    throw new InflessError(
      'IMAGE_NOT_FOUND',
      `${this.name} is for ${formatPlatform(image.platform)}, not for ${formatPlatform(platform)}`,
      { remedy: 'Choose another image, or another --platform.' },
    );
  }

  /** The images of all platforms, and what refers to any of them. */
  async fetchAll(): Promise<Bundle> {
    const root = await this.#repository.manifest(this.#reference);
    const artifacts: Descriptor[] = [];
    for (const digest of await this.#subjectsOf(root)) {
      artifacts.push(...(await listReferrers(this.#repository, digest)));
    }
    return readBundle(this.#storeWith(root), root.descriptor, artifacts);
  }

  async #subjectsOf(root: Blob): Promise<readonly Digest[]> {
    const { mediaType, digest } = root.descriptor;
    if (!isIndexMediaType(mediaType)) return [digest];
    const { manifests } = await readDocument(root, imageIndexSchema, this.name, 'index');
    return [digest, ...manifests.map((manifest) => manifest.digest)];
  }

  /** The repository, which need not be asked again for what it has just given. */
  #storeWith(root: Blob): ContentStore {
    return {
      name: this.name,
      blob: (descriptor) =>
        descriptor.digest === root.descriptor.digest ? root : this.#repository.blob(descriptor),
    };
  }
}
