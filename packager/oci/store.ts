import { InflessError } from '../../models/base/errors.ts';
import type { Blob } from './blob.ts';
import { choosePlatform } from './choose-platform.ts';
import { readDocument } from './document.ts';
import type { Bundle, Image, Referrer } from './image.ts';
import { isIndexMediaType, isManifestMediaType } from './media-types.ts';
import {
  type Descriptor,
  imageConfigSchema,
  imageIndexSchema,
  imageManifestSchema,
  type Platform,
} from './schema.ts';

/** Content found by its digest: a layout on disk, a repository of a registry. */
export interface ContentStore {
  /** As the user named it; starts sentences about it. */
  readonly name: string;
  /** The content a descriptor names. Opens lazily; what is not there fails when it is read. */
  blob(descriptor: Descriptor): Blob;
}

/** The image behind a manifest, or the one for the platform behind an index. */
export async function readImage(store: ContentStore, root: Descriptor, platform: Platform): Promise<Image> {
  if (!isIndexMediaType(root.mediaType)) return readManifest(store, root);
  const index = await readDocument(store.blob(root), imageIndexSchema, store.name, 'index');
  return readImage(store, choosePlatform(index, platform, store.name), platform);
}

/**
 * Everything behind a name: the images of all platforms, with what is said about them.
 *
 * @param artifacts manifests of the store among which those about the images are looked for
 */
export async function readBundle(
  store: ContentStore,
  root: Descriptor,
  artifacts: readonly Descriptor[] = [],
): Promise<Bundle> {
  const images = isIndexMediaType(root.mediaType)
    ? await readIndex(store, root)
    : [await readManifest(store, root)];
  const subjects = new Set([root.digest, ...images.map(({ manifest }) => manifest.descriptor.digest)]);
  const referrers: Referrer[] = [];
  for (const artifact of artifacts) {
    const { subject, referrer } = await readReferrer(store, artifact);
    if (subject !== undefined && subjects.has(subject.digest)) referrers.push(referrer);
  }
  return { root: store.blob(root), images, referrers };
}

async function readIndex(store: ContentStore, root: Descriptor): Promise<Image[]> {
  const index = await readDocument(store.blob(root), imageIndexSchema, store.name, 'index');
  const images: Image[] = [];
  for (const descriptor of index.manifests) images.push(await readManifest(store, descriptor));
  return images;
}

async function readManifest(store: ContentStore, descriptor: Descriptor): Promise<Image> {
  if (!isManifestMediaType(descriptor.mediaType)) {
    throw new InflessError('IMAGE_CORRUPT', `${store.name} holds ${descriptor.mediaType}, not an image`, {
      remedy: 'Name an OCI image or one of Docker in schema 2.',
    });
  }
  const blob = store.blob(descriptor);
  const manifest = await readDocument(blob, imageManifestSchema, store.name, 'manifest');
  const config = store.blob(manifest.config);
  const { os, architecture, variant } = await readDocument(config, imageConfigSchema, store.name, 'config');
  return {
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    manifest: blob,
    config,
    layers: manifest.layers.map((layer) => store.blob(layer)),
  };
}

async function readReferrer(
  store: ContentStore,
  descriptor: Descriptor,
): Promise<{ readonly subject: Descriptor | undefined; readonly referrer: Referrer }> {
  const manifest = store.blob(descriptor);
  const { subject, config, layers } = await readDocument(
    manifest,
    imageManifestSchema,
    store.name,
    'referrer',
  );
  return { subject, referrer: { manifest, blobs: [config, ...layers].map((entry) => store.blob(entry)) } };
}
