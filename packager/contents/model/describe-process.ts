/** Started by describe-model.ts: opens the model file given and sends back what it is. */

import type { ModelManifest } from '../../../models/manifest.ts';
import { resolveModel } from '../../../models/open.ts';
import { type ErrorRecord, toErrorRecord } from '../../server/inference/messages.ts';

export type DescribeAnswer = { readonly manifest: ModelManifest } | { readonly error: ErrorRecord };

async function describe(path: string, name: string): Promise<DescribeAnswer> {
  try {
    return { manifest: (await resolveModel(path, { name })).manifest };
  } catch (error) {
    const record = toErrorRecord(error);
    if (record === undefined) throw error;
    return { error: record };
  }
}

const [, , path, name] = process.argv;
process.send!(await describe(path!, name!));
