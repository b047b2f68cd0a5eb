import { InflessError } from '../../models/base/errors.ts';
import { buildLayer } from '../layers/build-layer.ts';
import type { LayerBlob } from '../layers/compressed-layer.ts';
import { isLayoutName } from '../layout/layout-name.ts';
import type { Blob } from '../oci/blob.ts';
import { fits, formatPlatform } from '../oci/choose-platform.ts';
import { readDocument } from '../oci/document.ts';
import { type Image, imageOf } from '../oci/image.ts';
import { MEDIA_TYPES } from '../oci/media-types.ts';
import { imageConfigSchema, type Platform } from '../oci/schema.ts';
import type { ImageSource } from '../oci/source.ts';
import { nodeCommand } from './base/node-command.ts';
import { imageConfig } from './image-config.ts';
import type { LayerPlan } from './model/model-entries.ts';

/** A base image with what is to know of it. */
export interface Base {
  /** As the user named it; starts sentences about it. */
  readonly name: string;
  readonly image: Image;
}

/**
 * What an image may tell of its base. A folder's path is no business of who gets the image, and differs
 * between machines.
 */
export function publicName({ name }: Pick<Base, 'name'>): string | undefined {
  return isLayoutName(name) ? undefined : name;
}

/** What lies on a base. */
export interface Contents {
  /** What Node.js is started with: a file of the layers. */
  readonly program: string;
  /** From the bottom up. */
  readonly layers: readonly LayerBlob[];
  readonly environment: Readonly<Record<string, string>>;
  /** How Node.js is started, where the layers bring it; default: as the base says. */
  readonly node?: readonly string[] | undefined;
  /** Of the manifest; the config has them as labels. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly created: string;
}

/** @throws InflessError IMAGE_NOT_FOUND for a base of another platform, and as the source does */
export async function fetchBase(source: ImageSource, platform: Platform): Promise<Base> {
  const { name } = source;
  const image = await source.fetch(platform);
  if (fits(image.platform, platform)) return { name, image };
  const [offered, wanted] = [image.platform, platform].map(formatPlatform);
  throw new InflessError('IMAGE_NOT_FOUND', `Base ${name} is for ${offered}, not for ${wanted}`, {
    remedy: 'Choose another base, or another --platform.',
  });
}

/** Weights are never compressed: they hardly shrink, and stay readable where they are. */
export function buildPlan(plan: LayerPlan, compress: boolean, signal?: AbortSignal): Promise<LayerBlob> {
  return buildLayer(plan.entries, { compress, title: plan.title, signal });
}

/**
 * The image of one platform: the base's layers, and above them ours.
 *
 * @throws InflessError IMAGE_CORRUPT, INVALID_INPUT for a base without Node.js
 */
export async function composeImage({ name, image: base }: Base, contents: Contents): Promise<Image> {
  const baseConfig = await readDocument(base.config, imageConfigSchema, name, 'config');
  return imageOf({
    platform: base.platform,
    config: imageConfig({
      base: baseConfig,
      node: contents.node ?? nodeCommand(baseConfig, name),
      program: contents.program,
      layers: contents.layers,
      environment: contents.environment,
      labels: contents.annotations,
      created: contents.created,
    }),
    layers: [...base.layers.map(asOci), ...contents.layers],
    annotations: contents.annotations,
  });
}

/** Docker's name for the same bytes does not belong into an OCI manifest. */
function asOci(layer: Blob): Blob {
  if (layer.descriptor.mediaType !== MEDIA_TYPES.dockerLayerGzip) return layer;
  return { ...layer, descriptor: { ...layer.descriptor, mediaType: MEDIA_TYPES.layerGzip } };
}
