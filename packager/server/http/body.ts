import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { InflessError } from '../../../models/base/errors.ts';
import { sendContinue } from './expectations.ts';
import { HttpError } from './http-error.ts';
import { codingOf, inflaterOf } from './inflate.ts';

/** The bytes of bodies that the process holds: being received, waiting and running. */
export class BodyBudget {
  readonly limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** @throws InflessError OVERLOADED when that would be too much. */
  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.limitBytes) {
      throw new InflessError('OVERLOADED', `The server holds ${this.#usedBytes} bytes of requests already`, {
        remedy: 'Send fewer large requests at a time, or try again later.',
      });
    }
    this.#usedBytes += bytes;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

export interface Body {
  /** Owns its whole buffer, so that it can be handed to another thread. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Gives its bytes back to the budget; the second call does nothing. */
  release(): void;
}

/**
 * Reads a request's body up to `limitBytes`; what is beyond is never held in memory. A body in gzip or
 * deflate is inflated on the way, and its limits are those of the plain bytes: no one behind has to know how
 * it was sent.
 *
 * @throws InflessError BODY_TOO_LARGE, OVERLOADED
 * @throws HttpError 400, 415
 */
export function readBody(request: IncomingMessage, limitBytes: number, budget: BodyBudget): Promise<Body> {
  return new Promise((resolve, reject) => {
    let heldBytes = 0;
    let chunks: Buffer[] = [];

    function onData(chunk: Buffer): void {
      try {
        if (heldBytes + chunk.length > limitBytes) throw bodyTooLarge(limitBytes);
        budget.take(chunk.length);
      } catch (error) {
        fail(error);
        return;
      }
      heldBytes += chunk.length;
      chunks.push(chunk);
    }
    function onEnd(): void {
      stop();
      resolve({ bytes: join(chunks, heldBytes), release });
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
      chunks = [];
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

/** Unlike Buffer.concat never from the shared pool, whose buffer cannot leave the thread. */
function join(chunks: readonly Buffer[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer as ArrayBuffer);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
