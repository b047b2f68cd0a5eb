import { InflessError } from '../../models/base/errors.ts';
import type { Descriptor, ImageIndex, Platform } from './schema.ts';

/**
 * The manifest of an index that runs on `platform`. Where no variant is asked for, one without a variant is
 * preferred and the first of several taken, as the index lists the most general first.
 *
 * @param origin whose index it is, as it starts the sentence
 * @throws InflessError IMAGE_NOT_FOUND, naming the platforms there are
 */
export function choosePlatform(index: ImageIndex, platform: Platform, origin: string): Descriptor {
  const fitting = index.manifests.filter((entry) => entry.platform && fits(entry.platform, platform));
  const chosen = fitting.find((entry) => entry.platform!.variant === undefined) ?? fitting[0];
  if (chosen) return chosen;
  const offered = index.manifests.flatMap(
    // build attestations say "unknown"
    ({ platform: there }) => (there && there.os !== 'unknown' ? [formatPlatform(there)] : []),
  );
  throw new InflessError('IMAGE_NOT_FOUND', `${origin} has no image for ${formatPlatform(platform)}`, {
    remedy:
      offered.length === 0
        ? 'Choose another image.'
        : `It has ${[...new Set(offered)].join(', ')}: choose one of these, or another image.`,
  });
}

/** Whether something made for `offered` runs where `wanted` is asked for. */
export function fits(offered: Platform, wanted: Platform): boolean {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return false;
  return wanted.variant === undefined || variantOf(offered) === variantOf(wanted);
}

/** 64-bit Arm has one variant so far, which half of all images leave unsaid. */
function variantOf({ architecture, variant }: Platform): string | undefined {
  return variant ?? (architecture === 'arm64' ? 'v8' : undefined);
}

/** `linux/arm/v7` */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined).join('/');
}
