import { z } from 'zod';
import { InflessError } from '../../models/base/errors.ts';
import { type ModelManifest, modelManifestSchema } from '../../models/manifest/manifest.ts';
import { type ProfileTable, profileTableSchema } from '../../profiles/table.ts';
import { ANNOTATION } from '../contents/annotations.ts';
import { INFO_PATHS } from '../contents/info-layer.ts';
import { digestOf } from '../oci/blob.ts';
import { formatPlatform } from '../oci/choose-platform.ts';
import { parseDocument, readDocument } from '../oci/document.ts';
import type { Image } from '../oci/image.ts';
import { type ImageConfig, imageConfigSchema, imageManifestSchema } from '../oci/schema.ts';
import { infoDocuments } from './info-documents.ts';

const sbomSchema = z.object({ components: z.array(z.unknown()) });

export interface LayerFacts {
  /** What its maker says it is. */
  readonly title: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** What an image of ours says of itself. */
export interface ImageFacts {
  readonly digest: string;
  readonly platform: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly user: string;
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly layers: readonly LayerFacts[];
  readonly model: ModelManifest;
  readonly profile: ProfileTable | undefined;
  /** Components that the SBOM lists. */
  readonly components: number;
}

/**
 * Looks into an image without fetching its weights.
 *
 * @param origin the image as the user named it, as it starts the sentence
 * @throws InflessError INVALID_INPUT for an image that is not ours, IMAGE_CORRUPT
 */
export async function imageFacts(image: Image, origin: string): Promise<ImageFacts> {
  const manifest = await readDocument(image.manifest, imageManifestSchema, origin, 'manifest');
  const config = await readDocument(image.config, imageConfigSchema, origin, 'config');
  // Docker's own manifests have no annotations: what came by an archive of it says the same by its labels.
  const annotations = { ...config.config?.Labels, ...manifest.annotations };
  const documents = await infoDocuments(image, origin);
  const model = documents.get(INFO_PATHS.manifest);
  if (annotations[ANNOTATION.modelDigest] === undefined) {
    throw new InflessError('INVALID_INPUT', `${origin} was not made by infless-pack: it has no model in it`, {
      remedy: 'Name an image that infless-pack has written.',
    });
  }
  if (model === undefined) throw otherLayers(origin);
  checkDigest(model, annotations[ANNOTATION.manifestDigest], INFO_PATHS.manifest, origin);
  const profile = documents.get(INFO_PATHS.profile);
  if (profile !== undefined) {
    checkDigest(profile, annotations[ANNOTATION.profileDigest], INFO_PATHS.profile, origin);
  }
  return {
    digest: image.manifest.descriptor.digest,
    platform: formatPlatform(image.platform),
    annotations,
    user: config.config?.User ?? '',
    command: [...(config.config?.Entrypoint ?? []), ...(config.config?.Cmd ?? [])],
    environment: config.config?.Env ?? [],
    layers: layersOf(image, config),
    model: parseDocument(model, modelManifestSchema, `/${INFO_PATHS.manifest} of ${origin}`),
    profile: profile && parseDocument(profile, profileTableSchema, `/${INFO_PATHS.profile} of ${origin}`),
    components: componentCount(documents.get(INFO_PATHS.sbom), origin),
  };
}

function layersOf(image: Image, { history = [] }: ImageConfig): LayerFacts[] {
  const titled = history.filter(({ empty_layer: isEmpty }) => isEmpty !== true);
  return image.layers.map(({ descriptor }, index) => ({
    title: titled[index]?.comment ?? titled[index]?.created_by ?? '',
    digest: descriptor.digest,
    sizeBytes: descriptor.size,
  }));
}

/**
 * An image that somebody's builder has made from our Dockerfile: it says what is in it, but not in which
 * layer.
 */
export function otherLayers(origin: string): InflessError {
  return new InflessError(
    'INVALID_INPUT',
    `${origin} has other layers than infless-pack writes, as of an image that was built from its Dockerfile`,
    { remedy: 'To look into an image or deploy it by name, write it with infless-pack -t or -o.' },
  );
}

/** Two tables in one image, and only one of them announced: somebody has built upon it. */
function checkDigest(document: Buffer, announced: string | undefined, path: string, origin: string): void {
  if (digestOf(document) === announced) return;
  throw new InflessError('IMAGE_CORRUPT', `/${path} of ${origin} is not the one its annotations announce`, {
    remedy: 'Build the image again.',
  });
}

function componentCount(sbom: Buffer | undefined, origin: string): number {
  if (sbom === undefined) return 0;
  return parseDocument(sbom, sbomSchema, `/${INFO_PATHS.sbom} of ${origin}`).components.length;
}
