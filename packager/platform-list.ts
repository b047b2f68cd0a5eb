import { InflessError } from '../models/base/errors.ts';
import { hostPlatform } from './contents/base/host-base.ts';
import type { Platform } from './oci/schema.ts';

/**
 * The platforms of `linux/amd64`, …; without any, Linux on this machine's processor.
 *
 * @throws InflessError INVALID_INPUT
 */
export function parsePlatforms(names: readonly string[] | undefined): readonly Platform[] {
  if (names === undefined) return [{ os: 'linux', architecture: hostPlatform().architecture }];
  return [...new Set(names.map((name) => name.trim()))].map((name) => {
    const [os, architecture, variant, ...surplus] = name.split('/');
    if (!os || !architecture || variant === '' || surplus.length > 0) {
      throw new InflessError('INVALID_INPUT', `"${name}" is no platform`, {
        remedy: 'Write --platform linux/amd64, or several with commas between them.',
      });
    }
    return { os, architecture, ...(variant === undefined ? {} : { variant }) };
  });
}
