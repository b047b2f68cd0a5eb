import { z } from 'zod';
import { givenAxesOf, type givenAxesSchema } from '../../models/manifest/batch-axis.ts';
import type { RequestLike } from '../../models/manifest/example.ts';
import { inlineSample, loadSample } from '../../models/sample/read-sample.ts';
import { SERVER_ENVIRONMENT } from '../../packager/server/instance-protocol.ts';

/** It goes to instances in their environment, and into objects of a cluster. */
const MOST_CHARACTERS = 64 << 10;

/** A request of one row: the name of a file, or written down as TensorFlow Serving takes it. */
export const sampleSchema = z
  .union([z.string().min(1), z.record(z.string(), z.unknown())], {
    error: 'must be the name of a file, or a request like {"instances": [ONE ROW]}',
  })
  .refine((sample) => typeof sample === 'string' || JSON.stringify(sample).length <= MOST_CHARACTERS, {
    error: `must have at most ${MOST_CHARACTERS} characters: name a file instead, or pack it into the image`,
  });

/** Sizes of inputs by name, as `--shape` has them. */
export const shapesSchema = z.record(
  z.string(),
  z
    .array(
      z
        .number()
        .int()
        .min(1)
        .max(2 ** 31 - 1),
    )
    .min(1),
);

/** What a function's owner says of its requests. */
export interface LikeFields {
  readonly name: string;
  readonly sample?: z.infer<typeof sampleSchema> | undefined;
  readonly shapes?: z.infer<typeof shapesSchema> | undefined;
  readonly batchAxis?: z.infer<typeof givenAxesSchema> | undefined;
}

/**
 * What requests to a function look like.
 *
 * @throws InflessError INVALID_INPUT for a file that cannot be read
 */
export async function likeOf({ name, sample, shapes, batchAxis }: LikeFields): Promise<RequestLike> {
  const axes = batchAxis === undefined ? {} : { batchAxes: givenAxesOf(batchAxis) };
  if (typeof sample === 'string') return { sample: await loadSample(sample), ...axes };
  if (sample === undefined) return { shapes, ...axes };
  return { sample: inlineSample(sample, `The sample of function "${name}"`), ...axes };
}

/** What tells instances the same. */
export function likeEnvironment({ sample, shapes, batchAxis }: LikeFields): Readonly<Record<string, string>> {
  return {
    ...(batchAxis === undefined ? {} : { [SERVER_ENVIRONMENT.batchAxis]: JSON.stringify(batchAxis) }),
    ...(sample === undefined
      ? {}
      : { [SERVER_ENVIRONMENT.sample]: typeof sample === 'string' ? sample : JSON.stringify(sample) }),
    ...(shapes === undefined ? {} : { [SERVER_ENVIRONMENT.shapes]: JSON.stringify(shapes) }),
  };
}
