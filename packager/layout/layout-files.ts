import { join } from 'node:path';
import { z } from 'zod';
import type { Descriptor, Digest } from '../oci/schema.ts';

export const MARKER_FILE = 'oci-layout';
export const INDEX_FILE = 'index.json';

export const markerSchema = z.object({ imageLayoutVersion: z.literal('1.0.0') });
export const MARKER = JSON.stringify({ imageLayoutVersion: '1.0.0' } satisfies z.output<typeof markerSchema>);

/** The annotation of an entry of index.json that holds its tag. */
const TAG_ANNOTATION = 'org.opencontainers.image.ref.name';

/** Where a blob lies in a layout, relative to its folder. */
export function blobPath(digest: Digest): string {
  return join('blobs', ...digest.split(':'));
}

export function tagOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[TAG_ANNOTATION];
}

export function tagged(entry: Descriptor, tag: string | undefined): Descriptor {
  if (tag === undefined) return entry;
  return { ...entry, annotations: { ...entry.annotations, [TAG_ANNOTATION]: tag } };
}
