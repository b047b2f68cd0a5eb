import type { Blob } from '../oci/blob.ts';
import { parseDocument, readDocument } from '../oci/document.ts';
import { MEDIA_TYPES } from '../oci/media-types.ts';
import {
  type Descriptor,
  type Digest,
  type ImageIndex,
  imageIndexSchema,
  imageManifestSchema,
} from '../oci/schema.ts';
import { readVerified } from '../oci/verified.ts';
import type { Repository } from './repository.ts';

/**
 * What the registry knows to refer to a manifest: its SBOM, signatures. One that is older than the question
 * says so in ways of its own, from 404 to a page for people.
 */
export async function listReferrers(repository: Repository, subject: Digest): Promise<readonly Descriptor[]> {
  const { status, header, bytes } = await repository.registry.ask({
    method: 'GET',
    url: repository.url('referrers', subject),
    scopes: repository.pullScopes,
    headers: { accept: MEDIA_TYPES.index },
    expected: [200, 400, 403, 404, 405],
    deed: `list what refers to ${subject}`,
  });
  const isList = status === 200 && header('content-type')?.startsWith(MEDIA_TYPES.index) === true;
  if (!isList) return (await readFallback(repository, subject)).manifests;
  return parseDocument(bytes, imageIndexSchema, `List of referrers of ${repository.name}`).manifests;
}

/**
 * Pushes a manifest that has a `subject`. A registry older than the referrers interface does not list it, so
 * that the specification has clients keep the list themselves, under a tag made of the subject's digest.
 */
export async function pushReferrer(repository: Repository, manifest: Blob): Promise<void> {
  const { mediaType, digest, size } = manifest.descriptor;
  const bytes = await readVerified(manifest, repository.name);
  const { isListed } = await repository.putManifest(digest, mediaType, bytes);
  const { subject, artifactType, config, annotations } = await readDocument(
    manifest,
    imageManifestSchema,
    repository.name,
    'referrer',
  );
  if (isListed || subject === undefined) return;
  const list = await readFallback(repository, subject.digest);
  if (list.manifests.some((entry) => entry.digest === digest)) return;
  const entry: Descriptor = {
    mediaType,
    digest,
    size,
    artifactType: artifactType ?? config.mediaType,
    ...(annotations === undefined ? {} : { annotations }),
  };
  const extended: ImageIndex = { ...list, manifests: [...list.manifests, entry] };
  await repository.putManifest(
    fallbackTag(subject.digest),
    MEDIA_TYPES.index,
    Buffer.from(JSON.stringify(extended)),
  );
}

async function readFallback(repository: Repository, subject: Digest): Promise<ImageIndex> {
  const found = await repository.findManifest({ tag: fallbackTag(subject) });
  if (!found) return { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [] };
  return readDocument(found, imageIndexSchema, repository.name, 'list of referrers');
}

/** `sha256-<hex>` */
function fallbackTag(subject: Digest): string {
  return subject.replace(':', '-');
}
