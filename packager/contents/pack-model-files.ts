import type { ModelContent } from '../../models/engines/content.ts';
import type { RequestLike } from '../../models/manifest/example.ts';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import type { LocatedModel } from '../../models/resolve/locate-model.ts';
import type { StoredTable } from '../../profiles/store.ts';
import type { LayerBlob } from '../layers/compressed-layer.ts';
import { buildPlan } from './image.ts';
import { describeModel } from './model/describe-model.ts';
import { findProfile } from './model/find-profile.ts';
import { modelLayers } from './model/model-entries.ts';
import { modelFiles } from './model/model-files.ts';

/** Which model is packed, and what of it. */
export interface ModelOptions {
  readonly model: LocatedModel;
  readonly modelName?: string | undefined;
  /** A profile table; false for none; by default one that is found for the model. */
  readonly profile?: string | false | undefined;
  /** More files from the model's folder. */
  readonly include?: readonly string[] | undefined;
  /** What requests look like: the manifest keeps it, for whoever makes up others. */
  readonly like?: RequestLike | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A model with its layers: the part that the images of all platforms share. */
export interface PackedModel {
  readonly manifest: ModelManifest;
  readonly content: ModelContent;
  readonly profile: StoredTable | undefined;
  readonly layers: readonly LayerBlob[];
}

/** Looks at a model and builds its layers; none of its weights is copied. */
export async function packModelFiles(options: ModelOptions): Promise<PackedModel> {
  const { model: located, like, signal } = options;
  const content = await modelFiles(located.path, options.include);
  const manifest = await describeModel(located.path, options.modelName ?? located.name, like, signal);
  const profile = await findProfile(manifest, options.profile, located.folder);
  const layers: LayerBlob[] = [];
  for (const plan of await modelLayers(content)) layers.push(await buildPlan(plan, false, signal));
  return { manifest, content, profile, layers };
}
