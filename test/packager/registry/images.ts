import { createHash } from 'node:crypto';
import type { LayerBlob } from '../../../packager/layers/compressed-layer.ts';
import { bytesBlob } from '../../../packager/oci/blob.ts';
import { MEDIA_TYPES } from '../../../packager/oci/media-types.ts';

/** Bytes that look random and are the same each time. */
export function noise(seed: string, sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let block = createHash('sha256').update(seed).digest();
  for (let position = 0; position < sizeBytes; position += block.byteLength) {
    block = createHash('sha256').update(block).digest();
    block.copy(bytes, position);
  }
  return bytes;
}

/** A layer as far as a registry can tell. */
export function layer(seed: string, sizeBytes = 1000): LayerBlob {
  const blob = bytesBlob(noise(seed, sizeBytes), MEDIA_TYPES.layer);
  return { ...blob, diffId: blob.descriptor.digest, title: seed };
}
