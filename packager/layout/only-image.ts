import { InflessError } from '../../models/base/errors.ts';
import { formatPlatform } from '../oci/choose-platform.ts';
import type { Bundle, Image } from '../oci/image.ts';

/**
 * The image of a bundle that has one.
 *
 * @param what that holds only one image, as it starts the sentence
 * @throws InflessError INVALID_INPUT for several platforms
 */
export function onlyImage(bundle: Bundle, what: string): Image {
  const [image, ...others] = bundle.images;
  if (image !== undefined && others.length === 0) return image;
  const platforms = bundle.images.map(({ platform }) => formatPlatform(platform)).join(', ');
  throw new InflessError('INVALID_INPUT', `${what} holds an image of one platform, not of ${platforms}`, {
    remedy: 'Name one with --platform, or write an OCI layout (-o oci:FOLDER).',
  });
}
