import { hostBase } from './contents/base/host-base.ts';
import { isLayoutName, parseLayoutName } from './layout/layout-name.ts';
import { LayoutSource } from './layout/layout-source.ts';
import type { Bundle } from './oci/image.ts';
import type { ImageSource } from './oci/source.ts';
import type { RegistryOptions } from './registry/options.ts';
import { parseReference } from './registry/reference.ts';
import { RegistrySource } from './registry/registry-source.ts';

const HOST = 'host';

/**
 * The image to build on: `host`, `oci:DIR[:TAG]`, or a name in a registry. @throws InflessError INVALID_INPUT
 */
export function baseSource(name: string, options: RegistryOptions): ImageSource {
  return name === HOST ? hostBase : imageSource(name, options);
}

/** An image by its name: `oci:DIR[:TAG]`, or one in a registry. @throws InflessError INVALID_INPUT */
export function imageSource(name: string, options: RegistryOptions): ImageSource {
  if (isLayoutName(name)) return new LayoutSource(parseLayoutName(name));
  return new RegistrySource(parseReference(name), options);
}

/** Whether a base lies in a registry, where others can get it too. */
export function isRegistryName(name: string): boolean {
  return name !== HOST && !isLayoutName(name);
}

/** An image to look into: `oci:DIR[:TAG]`, or a name in a registry. */
export function openImage(name: string, options: RegistryOptions): Promise<Bundle> {
  if (isLayoutName(name)) return new LayoutSource(parseLayoutName(name)).open();
  return new RegistrySource(parseReference(name), options).fetchAll();
}
