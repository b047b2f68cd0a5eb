import { join } from 'node:path';
import { z } from 'zod';
import { cacheDirectory, readTextIfPresent, writeFileSafely } from '../base/files.ts';
import { type BatchingChoice, type ModelManifest, refuted, trusted } from '../manifest/manifest.ts';

const findingSchema = z.object({
  /** `rows`: an output had not the rows that went in; `audit`: an answer was another than alone. */
  how: z.enum(['rows', 'audit']),
  /** As the rest of a sentence. */
  reason: z.string().min(1),
});

/** What serving a model has shown, whatever its proof says. */
export type BatchFinding = z.infer<typeof findingSchema>;

/**
 * Keeps what was found, by the digest of the model, for all processes that use this cache. Where it cannot be
 * written, each process finds it for itself.
 *
 * @param digest `sha256:<hex>`
 */
export async function noteBatchFinding(digest: string, finding: BatchFinding): Promise<void> {
  await writeFileSafely(fileOf(digest), JSON.stringify(finding)).catch(() => undefined);
}

/**
 * What a model is, by all that is known here: what serving has shown outweighs the proof, and what its user
 * says outweighs both, but for an output that has not the rows that go in.
 */
export async function asFound(manifest: ModelManifest, choice?: BatchingChoice): Promise<ModelManifest> {
  const finding = await findingOf(manifest.digest);
  const known = finding === undefined ? manifest : refuted(manifest, `${finding.reason}, when it was served`);
  return choice === 'trust' && finding?.how !== 'rows' ? trusted(known) : known;
}

async function findingOf(digest: string): Promise<BatchFinding | undefined> {
  const text = await readTextIfPresent(fileOf(digest)).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return findingSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // a damaged note is as good as none
  }
}

function fileOf(digest: string): string {
  return join(cacheDirectory(), 'batch-findings', `${digest.replace(':', '-')}.json`);
}
