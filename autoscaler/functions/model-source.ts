import { likened } from '../../models/manifest/inputs.ts';
import type { ModelFile, ModelManifest } from '../../models/manifest/manifest.ts';
import { asFound } from '../../models/resolve/batch-findings.ts';
import { describedModel } from '../../models/resolve/manifest-file.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import type { RegistryOptions } from '../../packager/registry/options.ts';
import type { UnpackedModel } from '../../packager/unpack/known-images.ts';
import { fetchFacts, unpackModel } from '../../packager/unpack/unpack-model.ts';
import { givenShapes } from '../../profiles/conditions/shapes.ts';
import { readHost, sameHost } from '../../profiles/host.ts';
import { findTable, type StoredTable } from '../../profiles/store.ts';
import { likeOf } from './request-like.ts';
import { type FunctionSpec, modelReference } from './spec.ts';

/** A function's model on this machine. */
export interface FoundModel {
  readonly model: ModelFile;
  /** What came along with it, where it came in an image. */
  readonly image?: Omit<UnpackedModel, 'path'>;
  /** What it is called in sentences: `model mnist`, `image registry.example/mnist:1`. */
  readonly title: string;
  /** By which name infless-profile finds it. */
  readonly measurable: string;
  /** Of the sample that its function names, where that is a file: its name tells nothing of what is in it. */
  readonly sampleDigest?: string;
}

/**
 * Finds the model that a function names, or brings it here out of the image that it names.
 *
 * @param asKnown whether no registry need be asked for an image that was brought here before
 * @throws InflessError MODEL_*, IMAGE_*, REGISTRY_FAILED, STORAGE_FAILED
 */
export async function findModel(spec: FunctionSpec, asKnown = false): Promise<FoundModel> {
  const reference = modelReference(spec);
  const like = await likeOf(spec);
  const ofSample = like.sample?.path === undefined ? {} : { sampleDigest: like.sample.digest };
  if (spec.image === undefined) {
    const model = await resolveModel(reference, { name: spec.name, batching: spec.batching, like });
    return { model, title: `model ${reference}`, measurable: reference, ...ofSample };
  }
  const image = await unpackModel(spec.image, { ...registryOptions(spec), asKnown });
  const model = await describedModel(image.path, image.manifestFile, spec.name);
  const manifest = await asFound(model.manifest, spec.batching);
  return {
    model: { ...model, manifest: likened(manifest, like) },
    image,
    title: `image ${reference}`,
    measurable: image.path,
    ...ofSample,
  };
}

/** The table of a function that names none, found without fetching the weights of an image. */
export async function findTableOf(spec: FunctionSpec): Promise<StoredTable | undefined> {
  if (spec.image === undefined) {
    const { manifest } = await resolveModel(modelReference(spec), {
      name: spec.name,
      like: await likeOf(spec),
    });
    return findTable(manifest.digest, { shapes: givenShapes(manifest), rowsOf: manifest });
  }
  const { model, profile } = await fetchFacts(spec.image, registryOptions(spec));
  const own = profile && { file: spec.image, table: profile };
  return chooseTable(own, likened(model, await likeOf(spec)));
}

/** Somebody waits for the answer: a registry that is silent is no better than one that is down. */
const PATIENCE = { answerTimeoutMs: 10_000, tries: 2 };

function registryOptions({ insecure = false }: FunctionSpec): RegistryOptions {
  return { insecure, ...PATIENCE };
}

/**
 * The table that a model is served by where its function names none. What its image brings along speaks for
 * it, unless that was measured on another kind of host than this one, and another table was measured here.
 *
 * @param own of the model's image, where it came in one that has a table
 * @param manifest of the model, with what its requests look like
 */
export async function chooseTable(
  own: StoredTable | undefined,
  manifest: ModelManifest,
): Promise<StoredTable | undefined> {
  const host = await readHost();
  if (own !== undefined && sameHost(own.table.host, host)) return own;
  const known = await findTable(manifest.digest, { shapes: givenShapes(manifest), rowsOf: manifest });
  const isOfHere = known !== undefined && sameHost(known.table.host, host);
  return isOfHere ? known : (own ?? known);
}
