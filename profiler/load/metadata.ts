import { request } from 'undici';
import { z } from 'zod';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { parseWith } from '../../models/base/schema.ts';
import type { TensorSpec } from '../../models/manifest.ts';
import type { DType } from '../../models/tensor.ts';

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
const inputSchema = z.object({
  dtype: z.string(),
  tensor_shape: z.object({ dim: z.array(z.object({ size })), unknown_rank: z.boolean().optional() }),
});

/** The part of TF Serving's metadata that describes a model's inputs. */
const metadataSchema = z.object({
  metadata: z.object({
    signature_def: z.object({
      signature_def: z.object({
        serving_default: z.object({ inputs: z.record(z.string(), inputSchema) }),
      }),
    }),
  }),
});

/**
 * Asks a served model what inputs it takes.
 *
 * @throws InflessError PLATFORM_FAILED when it does not answer, INVALID_INPUT when the answer is no metadata
 */
export async function fetchInputs(url: URL, timeoutMs: number): Promise<TensorSpec[]> {
  const what = `The metadata at ${url.href}`;
  const answer = await get(url, timeoutMs);
  if (answer.status !== 200) {
    throw new InflessError('INVALID_INPUT', `${what} cannot be had: status ${answer.status}`, {
      remedy: GIVE_A_BODY,
    });
  }
  return parseInputs(answer.text, what);
}

/** Inputs as tensor specs; a first dimension of any size is the batch. */
export function parseInputs(text: string, what: string): TensorSpec[] {
  const boundary = { what, remedy: GIVE_A_BODY };
  const { metadata } = parseWith(metadataSchema, parseJson(text, what), boundary);
  return Object.entries(metadata.signature_def.signature_def.serving_default.inputs).map(([name, input]) => {
    const dtype = DTYPE_OF[input.dtype];
    if (dtype === undefined || input.tensor_shape.unknown_rank === true) {
      throw new InflessError(
        'INVALID_INPUT',
        `No values can be made up for input "${name}" (${input.dtype})`,
        {
          remedy: GIVE_A_BODY,
        },
      );
    }
    const shape = input.tensor_shape.dim.map((dimension) => (dimension.size < 0 ? null : dimension.size));
    return { name, dtype, shape, batchAxis: shape[0] === null ? 0 : null };
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
