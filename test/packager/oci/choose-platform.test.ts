import { expect, test } from 'vitest';
import { digestOf } from '../../../packager/oci/blob.ts';
import { choosePlatform } from '../../../packager/oci/choose-platform.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';
import type { ImageIndex } from '../../../packager/oci/schema.ts';

function indexOf(...platforms: string[]): ImageIndex {
  return {
    schemaVersion: 2,
    manifests: platforms.map((text) => {
      const [os = '', architecture = '', variant] = text.split('/');
      const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
      return { mediaType: MEDIA_TYPES.manifest, digest: digestOf(text), size: 1, platform };
    }),
  };
}

const INDEX = indexOf(
  'unknown/unknown',
  'linux/amd64/v3',
  'linux/amd64',
  'linux/arm/v6',
  'linux/arm/v7',
  'linux/arm64',
);

test.each([
  [{ os: 'linux', architecture: 'amd64' }, 'linux/amd64'],
  [{ os: 'linux', architecture: 'amd64', variant: 'v3' }, 'linux/amd64/v3'],
  [{ os: 'linux', architecture: 'arm' }, 'linux/arm/v6'],
  [{ os: 'linux', architecture: 'arm', variant: 'v7' }, 'linux/arm/v7'],
  [{ os: 'linux', architecture: 'arm64', variant: 'v8' }, 'linux/arm64'],
])('%o runs %s', (platform, chosen) => {
  expect(choosePlatform(INDEX, platform, 'r/m').digest).toBe(digestOf(chosen));
});

test('none fits', () => {
  const windows = { os: 'windows', architecture: 'amd64' };
  expect(() => choosePlatform(INDEX, windows, 'Image r/m')).toThrow(
    expect.objectContaining({
      code: 'IMAGE_NOT_FOUND',
      sentence:
        'Image r/m has no image for windows/amd64. It has linux/amd64/v3, linux/amd64, linux/arm/v6, ' +
        'linux/arm/v7, linux/arm64: choose one of these, or another image.',
    }),
  );
  expect(() => choosePlatform(indexOf('unknown/unknown'), windows, 'Image r/m')).toThrow(
    expect.objectContaining({ remedy: 'Choose another image.' }),
  );
});
