import { createHash } from 'node:crypto';
import { InflessError } from '../../models/base/errors.ts';
import { canBatch, type ModelFile } from '../../models/manifest.ts';
import { resolveModel } from '../../models/open.ts';
import { readHost, sameHost } from '../../profiles/host.ts';
import { findTable, readTable, type StoredTable } from '../../profiles/store.ts';
import type { Workload } from '../platforms/platform.ts';
import type { FunctionSpec } from './spec.ts';

/** A declared function with everything found that is needed to run it. */
export interface Deployment {
  readonly spec: FunctionSpec;
  readonly model: ModelFile;
  readonly profile: StoredTable;
  readonly maxBatch: number;
  readonly workload: Workload;
  /** What its owner should know although it runs, e.g. that the table was measured on another kind of host. */
  readonly warnings: readonly string[];
}

/**
 * Finds a function's model and its profile table.
 *
 * @throws InflessError MODEL_*, PROFILE_*: what is missing and how to get it.
 */
export async function resolveDeployment(spec: FunctionSpec): Promise<Deployment> {
  const model = await resolveModel(spec.model, { name: spec.name });
  const profile = await profileOf(spec, model);
  const maxBatch = canBatch(model.manifest) ? (spec.maxBatch ?? Number.MAX_SAFE_INTEGER) : 1;
  return {
    spec,
    model,
    profile,
    maxBatch,
    workload: workloadOf(spec, model, profile),
    warnings: await warningsOf(profile),
  };
}

async function profileOf(spec: FunctionSpec, model: ModelFile): Promise<StoredTable> {
  const { digest } = model.manifest;
  if (spec.profile === undefined) {
    const found = await findTable(digest);
    if (found !== undefined) return found;
    throw new InflessError(
      'PROFILE_NOT_FOUND',
      `No profile table is known for model ${spec.model} of function "${spec.name}"`,
      {
        remedy: `Measure one with: infless-profile ${spec.model}`,
      },
    );
  }
  const table = await readTable(spec.profile);
  if (table.model.digest === digest) return { file: spec.profile, table };
  throw new InflessError(
    'PROFILE_INVALID',
    `Profile table ${spec.profile} was measured on another model than ${spec.model}`,
    {
      remedy: `Measure this one with: infless-profile ${spec.model}`,
    },
  );
}

function workloadOf(spec: FunctionSpec, model: ModelFile, profile: StoredTable): Workload {
  const { path, manifest } = model;
  const identity = JSON.stringify([manifest.digest, spec.name, Object.entries(spec.environment).sort()]);
  return {
    version: createHash('sha256').update(identity).digest('hex').slice(0, 12),
    model: path,
    modelName: spec.name,
    sloMs: spec.slo,
    environment: { ...spec.environment, INFLESS_PROFILE: profile.file },
  };
}

async function warningsOf({ table, file }: StoredTable): Promise<string[]> {
  const host = await readHost();
  if (sameHost(table.host, host)) return [];
  return [
    `Profile table ${file} was measured on ${table.host.cpuModel}, this host is ${host.cpuModel}: measure it again here.`,
  ];
}
