/** Below this a copy is cheaper than handing a buffer over. */
const WORTH_TRANSFERRING_BYTES = 4096;

/**
 * Prepares bodies for `postMessage`. A body that has a buffer to itself is handed over without a copy. One
 * that is a view into something larger is copied out first, because the whole buffer behind it would travel
 * along.
 */
export function detachable<T extends { readonly body: Uint8Array }>(
  items: readonly T[],
): { items: readonly T[]; transfer: ArrayBuffer[] } {
  const transfer: ArrayBuffer[] = [];
  const own = items.map((item) => {
    const body = ownBytes(item.body);
    if (body.byteLength >= WORTH_TRANSFERRING_BYTES) transfer.push(body.buffer);
    return body === item.body ? item : { ...item, body };
  });
  return { items: own, transfer };
}

function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) {
    return bytes as Uint8Array<ArrayBuffer>;
  }
  return new Uint8Array(bytes);
}
