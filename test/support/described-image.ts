import { annotationsOf } from '../../packager/contents/annotations.ts';
import { imageConfig } from '../../packager/contents/image-config.ts';
import {
  infoLayer,
  manifestDocument,
  profileDocument,
  sbomDocument,
} from '../../packager/contents/info-layer.ts';
import { buildLayer } from '../../packager/layers/build-layer.ts';
import { jsonBlob } from '../../packager/oci/blob.ts';
import { type Bundle, type Image, imageOf } from '../../packager/oci/image.ts';
import { MEDIA_TYPES } from '../../packager/oci/media-types.ts';
import type { Platform } from '../../packager/oci/schema.ts';
import { pushBundle } from '../../packager/registry/push.ts';
import { parseReference } from '../../packager/registry/reference.ts';
import type { ProfileTable } from '../../profiles/table.ts';

export interface DescribedOptions {
  /** Default: one for amd64. */
  readonly platforms?: readonly Platform[];
  /** Whether the table comes along. Default true. */
  readonly hasTable?: boolean;
  /** Tells images apart that are the same otherwise. */
  readonly version?: string;
}

const CREATED = '2026-01-01T00:00:00Z';

/**
 * An image as infless-pack makes it, as far as it can be read without its weights: nothing in it could run.
 */
export async function describedBundle(table: ProfileTable, options: DescribedOptions = {}): Promise<Bundle> {
  const { platforms = [{ os: 'linux', architecture: 'amd64' }] } = options;
  const images = await Promise.all(platforms.map((platform) => describedImage(table, platform, options)));
  const [only] = images;
  if (images.length === 1) return { root: only!.manifest, images, referrers: [] };
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform })),
  };
  return { root: jsonBlob(index, MEDIA_TYPES.index), images, referrers: [] };
}

/** Puts one into a registry that speaks plain HTTP. */
export async function pushDescribed(
  name: string,
  table: ProfileTable,
  options?: DescribedOptions,
): Promise<Bundle> {
  const bundle = await describedBundle(table, options);
  await pushBundle(bundle, parseReference(name), { insecure: true });
  return bundle;
}

async function describedImage(
  table: ProfileTable,
  platform: Platform,
  { hasTable = true, version }: DescribedOptions,
): Promise<Image> {
  const sbom = sbomDocument('{"components": []}');
  const description = manifestDocument(table.model);
  const profile = profileDocument(table);
  const documents = [description, ...(hasTable ? [profile] : []), sbom];
  const { title, entries } = infoLayer('info', documents);
  const layer = await buildLayer(entries, { compress: false, title });
  const annotations = annotationsOf({
    model: table.model,
    version,
    source: undefined,
    created: CREATED,
    base: { name: undefined, digest: layer.descriptor.digest },
    manifestDigest: description.digest,
    profile: hasTable ? { digest: profile.digest, host: table.host.fingerprint } : undefined,
    sbomDigest: sbom.digest,
  });
  const base = { ...platform, rootfs: { type: 'layers' as const, diff_ids: [] } };
  const config = imageConfig({
    base,
    program: '/app/server.js',
    node: ['node'],
    layers: [layer],
    environment: {},
    labels: annotations,
    created: CREATED,
  });
  return imageOf({ platform, config, layers: [layer], annotations });
}
