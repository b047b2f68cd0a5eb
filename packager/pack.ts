import { packageVersion } from '../models/base/package.ts';
import type { ModelManifest } from '../models/manifest.ts';
import type { StoredTable } from '../profiles/store.ts';
import { annotationsOf } from './contents/annotations.ts';
import { buildPlan, composeImage, fetchBase } from './contents/image.ts';
import {
  type InfoDocument,
  infoLayer,
  manifestDocument,
  profileDocument,
  sbomDocument,
} from './contents/info-layer.ts';
import { describeModel } from './contents/model/describe-model.ts';
import { findProfile } from './contents/model/find-profile.ts';
import type { LocatedModel } from './contents/model/locate-model.ts';
import { modelLayers } from './contents/model/model-entries.ts';
import { type ModelFiles, modelFiles } from './contents/model/model-files.ts';
import { sbomReferrer } from './contents/referrer.ts';
import { runtimePackages } from './contents/runtime/packages.ts';
import { runtimeEntries } from './contents/runtime/runtime-entries.ts';
import { sbomText } from './contents/sbom.ts';
import { type ServingDefaults, servingEnvironment } from './contents/serving-environment.ts';
import type { LayerBlob } from './layers/layer.ts';
import { jsonBlob } from './oci/blob.ts';
import { formatPlatform } from './oci/choose-platform.ts';
import type { Bundle, Image, Referrer } from './oci/image.ts';
import { MEDIA_TYPES } from './oci/media-types.ts';
import type { Digest, ImageIndex, Platform } from './oci/schema.ts';
import type { ImageSource } from './oci/source.ts';
import { sourceDate } from './oci/source-date.ts';

export interface PackOptions {
  readonly model: LocatedModel;
  readonly base: ImageSource;
  /** One gives an image, several an index of images. */
  readonly platforms: readonly Platform[];
  readonly modelName?: string | undefined;
  /** Of the model, as its owner counts. */
  readonly version?: string | undefined;
  /** Where the model comes from, a URL. */
  readonly source?: string | undefined;
  /** A profile table; false for none; by default one that is found for the model. */
  readonly profile?: string | false | undefined;
  /** More files from the model's folder. */
  readonly include?: readonly string[] | undefined;
  readonly defaults?: ServingDefaults | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears what is being done, as a phrase: `base host`. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/** An image that is ready to be written, with what went into it. */
export interface Packed extends Bundle {
  readonly model: ModelManifest;
  readonly profile: StoredTable | undefined;
  /** Of all files of the model. */
  readonly weightBytes: number;
}

/** What the images of all platforms share. */
interface Shared {
  readonly options: PackOptions;
  readonly model: ModelManifest;
  readonly files: ModelFiles;
  readonly profile: StoredTable | undefined;
  readonly modelLayers: readonly LayerBlob[];
  readonly created: string;
}

/**
 * Packs a model into a serving image. Nothing is written but caches, and weights are read only when the image
 * is; the same model, runtime, base and options give the same digests on every machine.
 *
 * @throws InflessError for a model, table or base that cannot be used; the signal's reason when aborted
 */
export async function pack(options: PackOptions): Promise<Packed> {
  const { platforms, signal, onStep = () => {} } = options;
  onStep(`model ${options.model.path}`);
  const shared = await readModel(options);
  const images: Image[] = [];
  const referrers: Referrer[] = [];
  for (const platform of platforms) {
    signal?.throwIfAborted();
    onStep(`${formatPlatform(platform)} on ${options.base.name}`);
    const { image, referrer } = await packImage(shared, platform);
    images.push(image);
    referrers.push(referrer);
  }
  const root = images.length === 1 ? images[0]!.manifest : indexOf(images);
  const { model, profile, files } = shared;
  const weightBytes = files.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { root, images, referrers, model, profile, weightBytes };
}

async function readModel(options: PackOptions): Promise<Shared> {
  const { model: located, signal } = options;
  const files = await modelFiles(located.path, options.include);
  const model = await describeModel(located.path, options.modelName ?? located.name, signal);
  const profile = await findProfile(model, options.profile, located.folder);
  const layers: LayerBlob[] = [];
  for (const plan of await modelLayers(files)) layers.push(await buildPlan(plan, false, signal));
  return { options, model, files, profile, modelLayers: layers, created: sourceDate().toISOString() };
}

async function packImage(shared: Shared, platform: Platform): Promise<{ image: Image; referrer: Referrer }> {
  const { options, model, profile, created } = shared;
  const { signal, version, source } = options;
  const base = await fetchBase(options.base, platform);
  const baseDigest: Digest = base.image.manifest.descriptor.digest;
  const runtime = await buildPlan(
    {
      title: `serving runtime of infless ${packageVersion}`,
      entries: await runtimeEntries(platform),
    },
    true,
    signal,
  );
  const sbom = sbomDocument(
    await sbomText({
      model,
      modelVersion: version,
      base: { name: base.name, digest: baseDigest },
      packageFolders: await runtimePackages(),
    }),
  );
  const documents = describingDocuments(model, profile);
  const info = await buildPlan(infoLayer([...Object.values(documents), sbom]), false, signal);
  const image = await composeImage(base, {
    layers: [runtime, ...shared.modelLayers, info],
    environment: servingEnvironment(model, shared.files, profile !== undefined, options.defaults ?? {}),
    annotations: annotationsOf({
      model,
      version,
      source,
      created,
      base: { name: base.name, digest: baseDigest },
      manifestDigest: documents.manifest.digest,
      profile:
        profile === undefined
          ? undefined
          : { digest: documents.profile!.digest, host: profile.table.host.fingerprint },
      sbomDigest: sbom.digest,
    }),
    created,
  });
  return { image, referrer: sbomReferrer(image, sbom.text, created) };
}

function describingDocuments(
  model: ModelManifest,
  profile: StoredTable | undefined,
): { manifest: InfoDocument; profile?: InfoDocument } {
  const manifest = manifestDocument(model);
  return profile === undefined ? { manifest } : { manifest, profile: profileDocument(profile.table) };
}

function indexOf(images: readonly Image[]) {
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform })),
  };
  return jsonBlob(index, MEDIA_TYPES.index);
}
