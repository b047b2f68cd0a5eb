import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { canBatch, type ModelManifest } from '../../../models/manifest/manifest.ts';
import { asFound, noteBatchFinding } from '../../../models/resolve/batch-findings.ts';
import { table } from '../../profiles/sample-table.ts';

const MODEL: ModelManifest = table([]).model;
const OTHER: ModelManifest = { ...MODEL, digest: `sha256:${'cd'.repeat(32)}` };

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'infless-findings-'));
  vi.stubEnv('INFLESS_CACHE_DIR', cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

describe('what serving has found of a model', () => {
  it('holds for all that use the cache, and for that model alone', async () => {
    await noteBatchFinding(MODEL.digest, { how: 'audit', reason: 'an answer was another' });
    const known = await asFound(MODEL);
    expect(canBatch(known)).toBe(false);
    expect(known.batching).toMatchObject({
      state: 'refuted',
      reason: 'an answer was another, when it was served',
    });
    expect(await asFound(OTHER)).toEqual(OTHER);
  });

  it('is outweighed by trust, unless an output had not the rows that went in', async () => {
    await noteBatchFinding(MODEL.digest, { how: 'audit', reason: 'an answer was another' });
    expect(canBatch(await asFound(MODEL, 'trust'))).toBe(true);
    await noteBatchFinding(MODEL.digest, { how: 'rows', reason: 'output "y" has 3 rows' });
    expect(canBatch(await asFound(MODEL, 'trust'))).toBe(false);
  });
});
