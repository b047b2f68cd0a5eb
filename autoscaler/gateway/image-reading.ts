import { isAbsolute } from 'node:path';
import { isZooName } from '../../models/zoo/names.ts';

/** What a deployment's `image` stands for, in a declaration's own words. */
export type ImageReading = (image: string) => { readonly model: string } | { readonly image: string };

/** On a cluster: an image, which its nodes fetch. */
export const clusterImage: ImageReading = (image) => ({ image });

/**
 * On one machine, which runs models in serving processes of its own: beside images, in a registry or a
 * layout's folder, the name of a zoo model, as the stack files of INFless have it (`mobilenet:latest`), and
 * the path of a model file.
 */
export const localImage: ImageReading = (image) => {
  const name = image.replace(/:latest$/, '');
  if (isZooName(name)) return { model: name };
  return isAbsolute(image) ? { model: image } : { image };
};
