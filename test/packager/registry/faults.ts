import type { IncomingMessage } from 'node:http';
import { parseReference, type Reference } from '../../../packager/registry/reference.ts';
import type { Fault, SmallRegistry } from './small-registry.ts';

/** What the image under test is called there. */
export function nameIn(registry: SmallRegistry): Reference {
  return parseReference(`${registry.host}/team/model:v1`);
}

/** A fault that happens the first `times` that a request is such. */
export function first(times: number, isSuch: (request: IncomingMessage) => boolean, fault: Fault): Fault {
  let left = times;
  return (request, response) => {
    if (left === 0 || !isSuch(request)) return false;
    left -= 1;
    return fault(request, response);
  };
}

/** Whether a request brings the larger of the image's blobs. */
export const isWeights = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'PUT' || method === 'PATCH') && Number(headers['content-length']) > 100_000;

/** The upload that a request is about. */
export const uploadOf = ({ url = '' }: IncomingMessage): string => /([^/?]+)(?:\?|$)/.exec(url)![1]!;

/** Reads so much of an upload, keeps it, and breaks the connection. */
export function breakAfter(registry: () => SmallRegistry, keptBytes: number): Fault {
  return async (request) => {
    const id = uploadOf(request);
    const { uploads } = registry();
    const end = uploads.get(id)!.byteLength + keptBytes;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      uploads.set(id, Buffer.concat([uploads.get(id)!, chunk]).subarray(0, end));
      if (uploads.get(id)!.byteLength === end) break;
    }
    request.socket.destroy();
    return true;
  };
}
