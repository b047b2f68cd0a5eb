import { readDocument } from '../oci/document.ts';
import type { Bundle, Referrer } from '../oci/image.ts';
import { type Descriptor, type ImageIndex, imageManifestSchema } from '../oci/schema.ts';
import { tagged, tagOf } from './layout-files.ts';

/** The index of a layout with an image added: its tag is taken from whoever had it, the rest stays. */
export async function indexWith(
  index: ImageIndex,
  bundle: Bundle,
  tag: string | undefined,
): Promise<ImageIndex> {
  const { descriptor } = bundle.root;
  const [image] = bundle.images;
  const platform = bundle.images.length === 1 && image ? { platform: image.platform } : {};
  const added = [
    tagged({ ...descriptor, ...platform }, tag),
    ...(await Promise.all(bundle.referrers.map(describeReferrer))),
  ];
  const kept = index.manifests.filter((entry) => !added.some((other) => isSame(entry, other)));
  return { ...index, manifests: [...kept, ...added] };
}

function isSame(entry: Descriptor, added: Descriptor): boolean {
  if (tagOf(entry) !== tagOf(added)) return false;
  return tagOf(added) !== undefined || entry.digest === added.digest;
}

/** The kind of an artifact is repeated beside its digest, so that who looks for images passes it by. */
async function describeReferrer({ manifest }: Referrer): Promise<Descriptor> {
  const { artifactType, config } = await readDocument(manifest, imageManifestSchema, 'The image', 'referrer');
  return { ...manifest.descriptor, artifactType: artifactType ?? config.mediaType };
}
