import { MessageChannel } from 'node:worker_threads';

/** Below this a copy is cheaper than handing a buffer over. */
const WORTH_TRANSFERRING_BYTES = 4096;
/** Below this it does not matter when the memory comes back. */
const WORTH_FREEING_BYTES = 64 << 10;

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

const nowhere = closedPort();

/**
 * Gives the memory of buffers back at once; they are empty afterwards. The collector looks after small
 * objects, of which a buffer of megabytes is one: by itself it lets many of them pile up.
 *
 * A message to a closed port is dropped with all that was handed over to it.
 */
export function free(buffers: Iterable<ArrayBufferLike>): void {
  const own = [...new Set(buffers)].filter(
    (buffer): buffer is ArrayBuffer =>
      buffer instanceof ArrayBuffer && buffer.byteLength >= WORTH_FREEING_BYTES,
  );
  if (own.length > 0) nowhere.postMessage(undefined, own);
}

function closedPort() {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return port1;
}
