import { InflessError } from '../../models/base/errors.ts';
import { inParallel } from '../../models/base/in-parallel.ts';
import type { Blob } from '../oci/blob.ts';
import { type Bundle, blobsOf } from '../oci/image.ts';
import type { Descriptor, Digest } from '../oci/schema.ts';
import { readVerified } from '../oci/verified.ts';
import { KnownRepositories } from './known-repositories.ts';
import type { RegistryOptions, TransferResult } from './options.ts';
import { formatReference, type Reference } from './reference.ts';
import { pushReferrer } from './referrers.ts';
import { Registry } from './registry.ts';
import { originOf } from './remote-blob.ts';
import { Repository } from './repository.ts';
import { uploadBlob } from './upload.ts';

/** What a push came to. */
export interface PushReport {
  /** The pushed image by its digest: what a deployment should name. */
  readonly reference: Reference & { readonly digest: Digest };
  /** How many blobs and manifests were there, were taken over, were sent. */
  readonly counts: Readonly<Record<TransferResult, number>>;
  /** Sizes of what was sent. */
  readonly sentBytes: number;
}

/** Enough to hide the round trips of small blobs behind a large one, too few for a registry to mind. */
const BLOBS_AT_ONCE = 4;

/**
 * Pushes an image, or the images of several platforms, with what refers to them. The name comes last: whoever
 * sees it finds all of it, and a push that fails has changed nothing that has a name. What the registry has
 * is not sent.
 *
 * @throws InflessError REGISTRY_FAILED, IMAGE_CORRUPT
 */
export async function pushBundle(
  bundle: Bundle,
  reference: Reference,
  options: RegistryOptions = {},
): Promise<PushReport> {
  const { digest } = bundle.root.descriptor;
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw new InflessError(
      'INVALID_INPUT',
      `The image has digest ${digest} and cannot be pushed as ${formatReference(reference)}`,
      { remedy: 'Leave the digest out of its name.' },
    );
  }
  const push = await Push.to(reference, options);
  return push.run(bundle);
}

class Push {
  readonly #reference: Reference;
  readonly #repository: Repository;
  readonly #known: KnownRepositories;
  readonly #counts: Record<TransferResult, number> = { present: 0, mounted: 0, pushed: 0 };
  readonly #abort: AbortController;
  #sentBytes = 0;

  private constructor(
    reference: Reference,
    repository: Repository,
    known: KnownRepositories,
    abort: AbortController,
  ) {
    this.#reference = reference;
    this.#repository = repository;
    this.#known = known;
    this.#abort = abort;
  }

  static async to(reference: Reference, options: RegistryOptions): Promise<Push> {
    const abort = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal;
    const registry = new Registry(reference.registry, { ...options, signal });
    const known = await KnownRepositories.load(reference.registry, options.environment ?? process.env);
    return new Push(reference, new Repository(registry, reference.repository), known, abort);
  }

  async run(bundle: Bundle): Promise<PushReport> {
    const { digest } = bundle.root.descriptor;
    const blobs = distinct([
      ...bundle.images.flatMap((image) => blobsOf(image)),
      ...bundle.referrers.flatMap((referrer) => referrer.blobs),
    ]);
    await inParallel(
      blobs,
      BLOBS_AT_ONCE,
      (blob) => this.#pushBlob(blob),
      (error) => this.#abort.abort(error), // the other uploads have no purpose any more
    );
    for (const { manifest } of bundle.images) {
      if (manifest.descriptor.digest !== digest)
        await this.#pushManifest(manifest, manifest.descriptor.digest);
    }
    // Some registries take what refers to an image only when the image is there.
    if (bundle.referrers.length > 0) await this.#pushManifest(bundle.root, digest);
    for (const { manifest } of bundle.referrers) await this.#pushReferrer(manifest);
    await this.#pushManifest(bundle.root, this.#reference.tag ?? digest);

    this.#known.remember(
      blobs.map((blob) => blob.descriptor.digest),
      this.#repository.path,
    );
    await this.#known.save();
    return { reference: { ...this.#reference, digest }, counts: this.#counts, sentBytes: this.#sentBytes };
  }

  async #pushBlob(blob: Blob): Promise<void> {
    const { descriptor } = blob;
    if (await this.#repository.hasBlob(descriptor.digest)) {
      this.#done(descriptor, 'present');
      return;
    }
    const { onProgress } = this.#repository.registry.options;
    const outcome = await uploadBlob(this.#repository, blob, this.#mountableFrom(blob), (sentBytes) =>
      onProgress?.({ type: 'sending', descriptor, sentBytes }),
    );
    this.#done(descriptor, outcome);
  }

  #mountableFrom(blob: Blob): string | undefined {
    const origin = originOf(blob);
    const candidate =
      origin?.registry === this.#reference.registry
        ? origin.repository
        : this.#known.of(blob.descriptor.digest);
    return candidate === this.#repository.path ? undefined : candidate;
  }

  async #pushManifest(manifest: Blob, name: string): Promise<void> {
    const { descriptor } = manifest;
    if (await this.#repository.hasManifest(name, descriptor.digest)) {
      this.#done(descriptor, 'present');
      return;
    }
    const bytes = await readVerified(manifest, 'The image');
    await this.#repository.putManifest(name, descriptor.mediaType, bytes);
    this.#done(descriptor, 'pushed');
  }

  async #pushReferrer(manifest: Blob): Promise<void> {
    await pushReferrer(this.#repository, manifest);
    this.#done(manifest.descriptor, 'pushed');
  }

  #done(descriptor: Descriptor, outcome: TransferResult): void {
    this.#counts[outcome] += 1;
    if (outcome === 'pushed') this.#sentBytes += descriptor.size;
    this.#repository.registry.options.onProgress?.({ type: 'done', descriptor, outcome });
  }
}

function distinct(blobs: readonly Blob[]): readonly Blob[] {
  return [...new Map(blobs.map((blob) => [blob.descriptor.digest, blob])).values()];
}
