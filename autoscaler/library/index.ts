/**
 * `import { profile, pack, serve, plan } from 'infless'`: what the commands of the same names do, for
 * programs. What fails is an {@link InflessError}: its `code` and `message` say what, its `remedy` what to
 * do.
 */

import {
  type ProfileListener,
  type ProfileOptions,
  profileModel,
} from '../../profiler/sweep/profile-model.ts';
import type { ProfileTable } from '../../profiles/table.ts';

export { InflessError } from '../../models/base/errors.ts';
export type { ModelManifest } from '../../models/manifest/manifest.ts';
export type { ProfileEvent, ProfileOptions } from '../../profiler/sweep/profile-model.ts';
export type { ProfileTable } from '../../profiles/table.ts';
export type { FunctionDeclaration } from '../functions/spec.ts';
export type { WhatIfReport } from '../what-if/report/report.ts';
export { type PackedImage, type PackRequest, pack } from './pack.ts';
export { type PlanRequest, plan } from './plan.ts';
export { type ServeRequest, type Serving, serve } from './serve.ts';

/** How to hear of what goes on, and how to end it. */
export interface Watch {
  readonly onProgress?: ProfileListener;
  /** Ends the sweep; finished cells are kept for one that resumes. */
  readonly signal?: AbortSignal;
}

/**
 * Measures how fast a model answers batches under CPU quotas, as `infless profile`. The table is saved in the
 * cache, where serving finds it.
 *
 * @param model a model file, or a name of the zoo
 * @throws InflessError MODEL_*, INVALID_INPUT, PLATFORM_FAILED, STORAGE_FAILED; the signal's reason
 */
export function profile(
  model: string,
  options: ProfileOptions = {},
  { onProgress, signal }: Watch = {},
): Promise<ProfileTable> {
  return profileModel(model, options, onProgress, signal);
}
