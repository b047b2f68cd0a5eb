import type { Descriptor } from '../oci/schema.ts';

/** What a person watching an image being written may want to know. */
export type WriteEvent =
  /** A blob is on its way: `writtenBytes` of `descriptor.size`. */
  | { readonly type: 'writing'; readonly descriptor: Descriptor; readonly writtenBytes: number }
  /** A blob is there: it was before, or is written now. */
  | { readonly type: 'done'; readonly descriptor: Descriptor; readonly outcome: 'present' | 'written' };

export interface WriteOptions {
  /** Ends the writing; nothing half-written is left, and the promise rejects with an AbortError. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: WriteEvent) => void) | undefined;
}
