import { request } from 'undici';
import { z } from 'zod';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { parseWith } from '../../models/base/schema.ts';
import { encodePredictBody } from '../../models/codec/predict-json.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import type { TensorSpec } from '../../models/manifest/manifest.ts';
import type { DType } from '../../models/manifest/tensor.ts';

const GIVE_A_BODY = 'Give the body yourself, with --data FILE or --body JSON.';

const DTYPE_OF: Readonly<Record<string, DType>> = {
  DT_FLOAT: 'float32',
  DT_DOUBLE: 'float64',
  DT_HALF: 'float16',
  DT_INT8: 'int8',
  DT_UINT8: 'uint8',
  DT_INT16: 'int16',
  DT_UINT16: 'uint16',
  DT_INT32: 'int32',
  DT_UINT32: 'uint32',
  DT_INT64: 'int64',
  DT_UINT64: 'uint64',
  DT_BOOL: 'bool',
  DT_STRING: 'string',
};

const size = z.union([z.string().regex(/^-?\d+$/), z.number().int()]).transform(Number); // int64 is text in proto JSON
const tensorSchema = z.object({
  dtype: z.string(),
  tensor_shape: z.object({ dim: z.array(z.object({ size })), unknown_rank: z.boolean().optional() }),
});

/** The part of TF Serving's metadata that describes a model's tensors. */
const metadataSchema = z.object({
  metadata: z.object({
    signature_def: z.object({
      signature_def: z.object({
        serving_default: z.object({
          inputs: z.record(z.string(), tensorSchema),
          outputs: z.record(z.string(), tensorSchema).default({}),
        }),
      }),
    }),
  }),
});

/** What a served model takes and gives. */
export interface Signature {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
}

/**
 * Asks a served model what inputs it takes.
 *
 * @throws InflessError PLATFORM_FAILED when it does not answer, INVALID_INPUT when the answer is no metadata
 */
export async function fetchInputs(url: URL, timeoutMs: number): Promise<TensorSpec[]> {
  return parseInputs(await fetchMetadata(url, timeoutMs), whatAt(url));
}

/** Asks a served model what it takes and gives; see {@link fetchInputs}. */
export async function fetchSignature(url: URL, timeoutMs: number): Promise<Signature> {
  const { inputs, outputs } = parseSignature(await fetchMetadata(url, timeoutMs), whatAt(url));
  return { inputs: Object.entries(inputs).map(toSpec), outputs: Object.entries(outputs).map(toSpec) };
}

/** Inputs as tensor specs; a first dimension of any size is the batch. */
export function parseInputs(text: string, what: string): TensorSpec[] {
  return Object.entries(parseSignature(text, what).inputs).map(toSpec);
}

function parseSignature(text: string, what: string) {
  const { metadata } = parseWith(metadataSchema, parseJson(text, what), { what, remedy: GIVE_A_BODY });
  return metadata.signature_def.signature_def.serving_default;
}

function toSpec([name, tensor]: [string, z.output<typeof tensorSchema>]): TensorSpec {
  const dtype = DTYPE_OF[tensor.dtype];
  if (dtype === undefined || tensor.tensor_shape.unknown_rank === true) {
    throw new InflessError(
      'INVALID_INPUT',
      `No values can be made up for input "${name}" (${tensor.dtype})`,
      {
        remedy: GIVE_A_BODY,
      },
    );
  }
  const shape = tensor.tensor_shape.dim.map((dimension) => (dimension.size < 0 ? null : dimension.size));
  return { name, dtype, shape, batchAxis: shape[0] === null ? 0 : null };
}

function whatAt(url: URL): string {
  return `The metadata at ${url.href}`;
}

async function fetchMetadata(url: URL, timeoutMs: number): Promise<string> {
  const answer = await get(url, timeoutMs);
  if (answer.status === 200) return answer.text;
  throw new InflessError('INVALID_INPUT', `${whatAt(url)} cannot be had: status ${answer.status}`, {
    remedy: GIVE_A_BODY,
  });
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InflessError('INVALID_INPUT', `${what} is not JSON`, { remedy: GIVE_A_BODY, cause: error });
  }
}

async function get(url: URL, timeoutMs: number): Promise<{ status: number; text: string }> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
    return { status: statusCode, text: await body.text() };
  } catch (error) {
    throw new InflessError(
      'PLATFORM_FAILED',
      `${url.href} does not answer (${systemCode(error) ?? messageOf(error)})`,
      { remedy: 'Check that the target runs and is ready.', cause: error },
    );
  }
}

/** Enough that a cache of answers would not flatter the target, few enough to hold images in memory. */
const DISTINCT_BODIES = 4;

/**
 * Request bodies made up from a model's metadata, one row each, encoded before the test: while it runs, sending
 * must cost as little as possible, because the CPU is shared with the system under test.
 *
 * @throws InflessError PLATFORM_FAILED, INVALID_INPUT
 */
export async function generateBodies(
  metadataUrl: URL,
  seed: number,
  timeoutMs: number,
): Promise<readonly Uint8Array[]> {
  const inputs = await fetchInputs(metadataUrl, timeoutMs);
  return Array.from({ length: DISTINCT_BODIES }, (_, index) => {
    const feeds = generateInputs({ name: 'the target', inputs }, { batch: 1, seed: seed + index });
    const oneRow = Object.values(feeds).every((tensor) => tensor.shape[0] === 1);
    return encodePredictBody(feeds, oneRow ? 'row' : 'column');
  });
}
