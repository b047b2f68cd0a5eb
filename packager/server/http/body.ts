import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { InflessError } from '../../../models/base/errors.ts';
import { sendContinue } from './expectations.ts';
import { HttpError } from './http-error.ts';
import { codingOf, inflaterOf } from './inflate.ts';

/** The bytes that the process holds of bodies being received, waiting and running, and of answers. */
export class BodyBudget {
  #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  /** Makes it as small as this, if it is larger. */
  restrict(limitBytes: number): void {
    this.#limitBytes = Math.min(this.#limitBytes, limitBytes);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** @throws InflessError OVERLOADED when that would be too much. */
  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.limitBytes) {
      const held = `The server holds ${this.#usedBytes} bytes of requests and answers already`;
      throw new InflessError('OVERLOADED', held, {
        remedy: 'Send fewer large requests at a time, or try again later.',
      });
    }
    this.#usedBytes += bytes;
  }

  /** Counts what is there already, an answer: it cannot be refused, but what comes next can. */
  hold(bytes: number): void {
    this.#usedBytes += bytes;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

export interface Body {
  /** No one else has its buffer, so that it can be handed to another thread. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Gives its bytes back to the budget; the second call does nothing. */
  release(): void;
}

/**
 * Reads a request's body up to `mostBytes`; what is beyond is never held in memory. A body in gzip or
 * deflate is inflated on the way, and its limits are those of the plain bytes: no one behind has to know how
 * it was sent.
 *
 * @throws InflessError BODY_TOO_LARGE, OVERLOADED
 * @throws HttpError 400, 415
 */
export function readBody(request: IncomingMessage, mostBytes: number, budget: BodyBudget): Promise<Body> {
  return new Promise((resolve, reject) => {
    const limitBytes = Math.min(mostBytes, budget.limitBytes); // what can never be held is no overload
    let heldBytes = 0;

    function onData(chunk: Buffer): void {
      try {
        if (heldBytes + chunk.length > limitBytes) throw bodyTooLarge(limitBytes);
        budget.take(chunk.length);
        heldBytes += chunk.length;
        received.add(chunk);
      } catch (error) {
        fail(error);
      }
    }
    function onEnd(): void {
      stop();
      resolve({ bytes: received.take(), release });
    }
    function onClose(): void {
      if (request.readableEnded) return; // all is here, if not yet inflated
      fail(new HttpError(400, 'The client closed the connection before the end of the body.'));
    }
    function onBroken(error: Error): void {
      fail(new HttpError(400, `The body is not what its Content-Encoding says (${error.message}).`));
    }
    function fail(error: unknown): void {
      stop();
      if (inflater !== undefined) {
        request.unpipe(inflater).resume(); // as any body that no one reads any more
        inflater.on('error', () => {}).destroy();
      }
      release();
      received.take();
      reject(error);
    }
    function release(): void {
      budget.give(heldBytes);
      heldBytes = 0;
    }
    function stop(): void {
      source.off('data', onData).off('end', onEnd);
      inflater?.off('error', onBroken);
      request.off('close', onClose).off('error', onClose);
    }

    const coding = checkAnnounced(request, limitBytes);
    const announced = coding === undefined ? request.headers['content-length'] : undefined;
    const received = new Received(announced === undefined ? undefined : Number(announced));
    const inflater = coding === undefined ? undefined : inflaterOf(coding);
    const source: Readable = inflater ?? request;
    sendContinue(request);
    request.on('close', onClose).on('error', onClose);
    source.on('data', onData).on('end', onEnd);
    if (inflater !== undefined) request.pipe(inflater.on('error', onBroken));
  });
}

/**
 * What the headers alone tell against a body. Returns the coding that it is sent in, if any.
 *
 * @throws InflessError BODY_TOO_LARGE
 * @throws HttpError 415
 */
export function checkAnnounced({ headers }: IncomingMessage, limitBytes: number): string | undefined {
  if (Number(headers['content-length']) > limitBytes) throw bodyTooLarge(limitBytes);
  return codingOf(headers['content-encoding']);
}

export function bodyTooLarge(maxBodyBytes: number): InflessError {
  return new InflessError('BODY_TOO_LARGE', `The body is larger than the ${maxBodyBytes} bytes taken here`, {
    remedy: 'Send fewer rows in a request.',
  });
}

/** Whether a request announces a body; one that announces none has none. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** What is reserved for the first piece. */
const FIRST_BYTES = 16 << 10;
/** A client that has sent this share of what it announces gets room for the rest. */
const TRUST = 16;

/**
 * The bytes of a body in one block that grows, however they come: kept as pieces, those of a client that
 * sends byte by byte would take four hundred times as much memory as the body.
 *
 * The block is never from the shared pool of buffers, which cannot leave the thread.
 */
class Received {
  readonly #announced: number;
  #block = new Uint8Array(0);
  #length = 0;

  /** @param announced how many will come, where that is known */
  constructor(announced = Number.POSITIVE_INFINITY) {
    this.#announced = announced;
  }

  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#block.length) this.#grow(length);
    this.#block.set(chunk, this.#length);
    this.#length = length;
  }

  /** Hands the bytes over, and holds none of them any more. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#block.subarray(0, this.#length);
    this.#block = new Uint8Array(0);
    this.#length = 0;
    return bytes;
  }

  /** What is announced gets room in few steps, so that little is copied; the rest of it doubles. */
  #grow(needed: number): void {
    const factor = Number.isFinite(this.#announced) ? TRUST : 2;
    const wanted = Math.max(FIRST_BYTES, needed, this.#length * factor);
    const capacity = Math.max(needed, Math.min(wanted, this.#announced));
    const grown = new Uint8Array(Buffer.allocUnsafeSlow(capacity).buffer as ArrayBuffer);
    grown.set(this.#block.subarray(0, this.#length));
    this.#block = grown;
  }
}
