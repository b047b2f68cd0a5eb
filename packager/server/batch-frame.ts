import { z } from 'zod';
import { InflessError, messageOf } from '../../models/base/errors.ts';
import { parseWith } from '../../models/base/schema.ts';
import type { BatchResponse, InferenceRequest, InferenceResponse } from './instance-protocol.ts';

/**
 * The frame in which a batch travels between gateway and instance, both ways: the length of a JSON header as
 * u32 little-endian, the header, then the bodies one after the other. Bodies stay bytes: nothing is escaped,
 * copied into JSON or looked at on the way.
 */
export const FRAME_CONTENT_TYPE = 'application/vnd.infless.batch';

const PREFIX_BYTES = 4;
/** A path and a content type are as long as HTTP headers may be, 16 KiB; JSON escapes them. */
const HEADER_BYTES_EACH = 40 << 10;

const length = z.number().int().nonnegative();
const headers = z.record(z.string(), z.string()).optional();

const requestHeaderSchema = z.object({
  requests: z.array(z.object({ path: z.string(), contentType: z.string(), headers, length })).min(1),
});

const replyHeaderSchema = z.object({
  responses: z.array(
    z.object({ status: z.number().int().min(200).max(599), contentType: z.string(), headers, length }),
  ),
  timing: z.object({
    decodeMs: z.number().nonnegative(),
    executeMs: z.number().nonnegative(),
    encodeMs: z.number().nonnegative(),
    rows: z.number().int().nonnegative(),
  }),
  ranAlone: z.string().optional(),
});

export function encodeBatchRequest(requests: readonly InferenceRequest[]): Uint8Array<ArrayBuffer> {
  const header: z.input<typeof requestHeaderSchema> = {
    requests: requests.map(({ path, contentType, headers, body }) => ({
      path,
      contentType,
      headers,
      length: body.length,
    })),
  };
  return joinFrame(header, requests);
}

/**
 * The bodies are views into `frame`, not copies.
 *
 * @param mostRequests that a frame may have; default: any number
 * @throws InflessError INVALID_INPUT; BODY_TOO_LARGE for too many requests
 */
export function decodeBatchRequest(
  frame: Uint8Array,
  mostRequests = Number.POSITIVE_INFINITY,
): InferenceRequest[] {
  const { header, bodies } = splitFrame(frame, mostRequests * HEADER_BYTES_EACH);
  const listed = (header as { requests?: unknown } | null)?.requests;
  if (Array.isArray(listed) && listed.length > mostRequests) {
    throw tooManyRequests(`has ${listed.length} requests`, mostRequests);
  }
  const { requests } = parseWith(requestHeaderSchema, header, { what: 'The header of the batch frame' });
  const take = cutter(bodies);
  const decoded = requests.map((request) => ({
    path: request.path,
    contentType: request.contentType,
    ...(request.headers === undefined ? {} : { headers: request.headers }),
    body: take(request.length),
  }));
  take.end();
  return decoded;
}

export function encodeBatchReply(reply: BatchResponse): Uint8Array<ArrayBuffer> {
  const header: z.input<typeof replyHeaderSchema> = {
    responses: reply.responses.map(({ status, contentType, headers, body }) => ({
      status,
      contentType,
      headers,
      length: body.length,
    })),
    timing: reply.timing,
    ranAlone: reply.ranAlone,
  };
  return joinFrame(header, reply.responses);
}

/**
 * The bodies are views into `frame`, not copies.
 *
 * @throws InflessError INVALID_INPUT
 */
export function decodeBatchReply(frame: Uint8Array): BatchResponse {
  const { header, bodies } = splitFrame(frame);
  const { ranAlone, timing, ...parsed } = parseWith(replyHeaderSchema, header, {
    what: 'The header of the batch reply',
  });
  const take = cutter(bodies);
  const responses = parsed.responses.map(
    (response): InferenceResponse => ({
      status: response.status,
      contentType: response.contentType,
      ...(response.headers === undefined ? {} : { headers: response.headers }),
      body: take(response.length),
    }),
  );
  take.end();
  return { responses, timing, ...(ranAlone === undefined ? {} : { ranAlone }) };
}

/** The frame owns its whole buffer, so that a thread can hand it over without a copy. */
function joinFrame(
  header: unknown,
  parts: readonly { readonly body: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  const headerBytes = new TextEncoder().encode(JSON.stringify(header));
  const total = parts.reduce((sum, { body }) => sum + body.length, PREFIX_BYTES + headerBytes.length);
  const frame = new Uint8Array(total);
  new DataView(frame.buffer).setUint32(0, headerBytes.length, true);
  frame.set(headerBytes, PREFIX_BYTES);
  let offset = PREFIX_BYTES + headerBytes.length;
  for (const { body } of parts) {
    frame.set(body, offset);
    offset += body.length;
  }
  return frame;
}

function splitFrame(
  frame: Uint8Array,
  mostHeaderBytes = Number.POSITIVE_INFINITY,
): { header: unknown; bodies: Uint8Array } {
  if (frame.length < PREFIX_BYTES) throw malformed(`is ${frame.length} bytes long`);
  const headerBytes = new DataView(frame.buffer, frame.byteOffset, PREFIX_BYTES).getUint32(0, true);
  const end = PREFIX_BYTES + headerBytes;
  if (end > frame.length) {
    throw malformed(
      `announces a header of ${headerBytes} bytes and has ${frame.length - PREFIX_BYTES} bytes left`,
    );
  }
  if (headerBytes > mostHeaderBytes) {
    throw tooManyRequests(`has a header of ${headerBytes} bytes`, mostHeaderBytes / HEADER_BYTES_EACH);
  }
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(frame.subarray(PREFIX_BYTES, end)));
    return { header, bodies: frame.subarray(end) };
  } catch (error) {
    throw malformed(`has a header that is not JSON (${messageOf(error)})`);
  }
}

/** Cuts the bodies off one by one; `end` checks that nothing is left over. */
function cutter(bodies: Uint8Array): { (length: number): Uint8Array; end(): void } {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    if (offset + length > bodies.length) {
      throw malformed(`ends ${offset + length - bodies.length} bytes before the bodies it announces`);
    }
    offset += length;
    return bodies.subarray(offset - length, offset);
  };
  take.end = () => {
    if (offset < bodies.length) throw malformed(`has ${bodies.length - offset} bytes behind its last body`);
  };
  return take;
}

function tooManyRequests(how: string, most: number): InflessError {
  return new InflessError('BODY_TOO_LARGE', `The batch frame ${how}, and ${most} requests are taken here`);
}

function malformed(how: string): InflessError {
  return new InflessError('INVALID_INPUT', `The batch frame ${how}`);
}
