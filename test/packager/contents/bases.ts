import { hostPlatform } from '../../../packager/contents/base/host-base.ts';
import { textEntry } from '../../../packager/contents/file-entry.ts';
import { buildLayer } from '../../../packager/layers/build-layer.ts';
import { type Image, imageOf } from '../../../packager/oci/image.ts';
import type { ImageConfig, Platform } from '../../../packager/oci/schema.ts';
import type { ImageSource } from '../../../packager/oci/source.ts';

export const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
export const ARM64: Platform = { os: 'linux', architecture: 'arm64' };
export const HERE: Platform = hostPlatform();

export type ContainerConfig = NonNullable<ImageConfig['config']>;

/** What the official Node.js images say of themselves. */
export const NODE_CONFIG: ContainerConfig = {
  Env: ['PATH=/usr/local/bin:/usr/bin', 'NODE_VERSION=22.11.0'],
  Entrypoint: ['docker-entrypoint.sh'],
  Cmd: ['node'],
  Labels: { 'base.example/of': 'the base' },
};

/** A base of one small layer, as some other tool may have made it: without a time in its history. */
export async function baseImage(platform: Platform, config: ContainerConfig = NODE_CONFIG): Promise<Image> {
  const layer = await buildLayer([textEntry('etc/os-release', platform.architecture)], {
    compress: false,
    title: 'base',
  });
  const content: ImageConfig = {
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created_by: 'ADD rootfs' }, { created_by: 'ENV NODE_VERSION', empty_layer: true }],
  };
  return imageOf({ platform, config: content, layers: [layer] });
}

/** The same base for every platform, as a registry would have it. */
export function smallBase(config?: ContainerConfig): ImageSource {
  return { name: 'registry.example/node:22', fetch: (platform) => baseImage(platform, config) };
}
