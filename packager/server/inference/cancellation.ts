/**
 * Which requests of a batch no one waits for any more. The HTTP thread says so while the inference thread
 * runs, which reads no messages meanwhile: the two share a byte for each request.
 */
export class Cancellation {
  readonly #gone: Uint8Array;

  /** @param shared as {@link shared} of the other thread's; default: a new one */
  constructor(requests: number, shared = new SharedArrayBuffer(requests)) {
    this.#gone = new Uint8Array(shared);
  }

  /** To be sent to the other thread. */
  get shared(): SharedArrayBuffer {
    return this.#gone.buffer as SharedArrayBuffer;
  }

  get isAny(): boolean {
    return this.#gone.includes(1);
  }

  cancel(request: number): void {
    Atomics.store(this.#gone, request, 1);
  }

  cancelAll(): void {
    for (let request = 0; request < this.#gone.length; request += 1) this.cancel(request);
  }

  isCancelled(request: number): boolean {
    return Atomics.load(this.#gone, request) === 1;
  }
}
