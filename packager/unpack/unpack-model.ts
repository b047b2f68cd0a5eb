import { rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { InflessError } from '../../models/base/errors.ts';
import { cacheDirectory, writeFileSafely } from '../../models/base/files.ts';
import { contentOf, digestModel, type ModelContent, sizeOfModel } from '../../models/engines/content.ts';
import { engineFor } from '../../models/engines/index.ts';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import { saveTable } from '../../profiles/store.ts';
import { holdEntry } from '../cache/holders.ts';
import { pruneShelf } from '../cache/prune.ts';
import { hostPlatform } from '../contents/base/host-base.ts';
import { manifestDocument } from '../contents/info-layer.ts';
import { isModelLayer, MODEL_FOLDER } from '../contents/model/model-entries.ts';
import { imageSource } from '../image-name.ts';
import { type ImageFacts, imageFacts, otherLayers } from '../inspect/image-facts.ts';
import { isVacant, makeFolder } from '../layout/new-folder.ts';
import { digestOf } from '../oci/blob.ts';
import { fits, formatPlatform } from '../oci/choose-platform.ts';
import type { Image } from '../oci/image.ts';
import type { RegistryOptions } from '../registry/options.ts';
import { SERVER_ENVIRONMENT } from '../server/instance-protocol.ts';
import { isTreePath } from '../tar/tar-tree.ts';
import { extractFiles } from './extract-files.ts';
import { recallImage, rememberImage, type UnpackedModel } from './known-images.ts';

/**
 * Fetches what an image of infless-pack says of itself, and none of its weights.
 *
 * @param name `oci:DIR[:TAG]`, or a name in a registry
 * @throws InflessError INVALID_INPUT for an image that is not ours, IMAGE_NOT_FOUND, IMAGE_CORRUPT,
 * REGISTRY_FAILED
 */
export async function fetchFacts(name: string, options: RegistryOptions = {}): Promise<ImageFacts> {
  return imageFacts(await fetchImage(name, options), name);
}

/** How an image's name is looked up. */
export interface UnpackOptions extends RegistryOptions {
  /** What the name has stood for will do, without asking the registry: default false. */
  readonly asKnown?: boolean;
}

/**
 * Brings the model of an image of infless-pack into the cache. Of the image's layers only those with the
 * model's files are fetched, and only if no image with the same ones was unpacked before. While the registry
 * is down, the name stands for what it stood for before: what has been deployed once must survive a restart.
 * The model stays in the cache at least for as long as this process lives.
 *
 * @throws InflessError as {@link fetchFacts}; STORAGE_FAILED
 */
export async function unpackModel(
  name: string,
  { asKnown = false, ...options }: UnpackOptions = {},
): Promise<UnpackedModel> {
  const before = asKnown ? await recallImage(name) : undefined;
  if (before !== undefined) {
    await hold(before);
    return before;
  }
  try {
    const model = await unpackNow(name, options);
    await rememberImage(name, model);
    await pruneShelf('unpacked');
    await pruneShelf('images');
    return model;
  } catch (error) {
    const isDown = error instanceof InflessError && error.code === 'REGISTRY_FAILED';
    const known = isDown ? await recallImage(name) : undefined;
    if (!isDown || known === undefined) throw error;
    await hold(known);
    return { ...known, failure: error };
  }
}

async function unpackNow(name: string, options: RegistryOptions): Promise<UnpackedModel> {
  const image = await fetchImage(name, options);
  const facts = await imageFacts(image, name);
  const path = await unpackFiles(image, facts, name);
  return { path, ...(await keepDocuments(facts)) };
}

/** What was unpacked before, told by where it lies. */
async function hold({ path, manifestFile }: UnpackedModel): Promise<void> {
  for (const [shelf, file] of Object.entries({ unpacked: path, images: manifestFile })) {
    const [name] = relative(join(cacheDirectory(), shelf), file).split(sep);
    await holdEntry({ shelf, name: name! });
  }
}

async function fetchImage(name: string, options: RegistryOptions): Promise<Image> {
  // The model's files are the same for every system, but an image is only meant for the machines it names.
  const wanted = { os: 'linux', architecture: hostPlatform().architecture };
  const image = await imageSource(name, options).fetch(wanted);
  if (fits(image.platform, wanted)) return image;
  const [offered, here] = [image.platform, wanted].map(formatPlatform);
  throw new InflessError('IMAGE_NOT_FOUND', `${name} is for ${offered}, not for ${here}`, {
    remedy: `Pack it again with --platform ${here}.`,
  });
}

/**
 * The folder is named by the layers it is made of: images that share them share it, whatever else is in them.
 */
async function unpackFiles(image: Image, facts: ImageFacts, origin: string): Promise<string> {
  const entry = entryOf(facts, origin);
  const layers = image.layers.filter((_, index) => isModelLayer(facts.layers[index]!.title));
  if (layers.length === 0) throw otherLayers(origin);
  const content = digestOf(layers.map(({ descriptor }) => descriptor.digest).join('\n'));
  const folder = join(cacheDirectory(), 'unpacked', hexOf(content));
  const path = join(folder, entry);
  await holdEntry({ shelf: 'unpacked', name: hexOf(content) });
  if ((await wholeContent(path, facts.model)) !== undefined) return path;
  await rm(folder, { recursive: true, force: true }); // somebody has damaged it
  try {
    await makeFolder(folder, async (into) => {
      for (const layer of layers) await extractFiles(layer, origin, MODEL_FOLDER, into);
      await checkModel(join(into, entry), facts, origin);
    });
  } catch (error) {
    if (await isVacant(folder)) throw error; // else another process was faster
  }
  return path;
}

/** The path of the file to open, in the model's folder. */
function entryOf({ environment }: ImageFacts, origin: string): string {
  const prefix = `${SERVER_ENVIRONMENT.model}=/${MODEL_FOLDER}/`;
  const entry = environment.find((line) => line.startsWith(prefix))?.slice(prefix.length);
  if (entry !== undefined && isTreePath(entry)) return entry;
  throw corrupt(`${origin} does not say where its model lies`);
}

/** The image's table and manifest are about a digest: it must be the one of the model that is served. */
async function checkModel(file: string, { model }: ImageFacts, origin: string): Promise<void> {
  const content = await wholeContent(file, model);
  if (content !== undefined && (await digestModel(content)) === model.digest) return;
  throw corrupt(`${origin} has another model in it than the ${model.digest} that it announces`);
}

async function keepDocuments({
  digest,
  model,
  profile,
}: ImageFacts): Promise<Pick<UnpackedModel, 'manifestFile' | 'profile'>> {
  const folder = join(cacheDirectory(), 'images', hexOf(digest));
  await holdEntry({ shelf: 'images', name: hexOf(digest) });
  const manifestFile = join(folder, 'manifest.json');
  await writeFileSafely(manifestFile, manifestDocument(model).text);
  if (profile === undefined) return { manifestFile, profile };
  const file = await saveTable(profile, join(folder, 'profile.json'));
  return { manifestFile, profile: { file, table: profile } };
}

/** Undefined where a file of it is missing, has another size, or is one outside its folder. */
async function wholeContent(file: string, model: ModelManifest): Promise<ModelContent | undefined> {
  const content = await contentOf(engineFor(model.format), file).catch(() => undefined);
  return content !== undefined && sizeOfModel(content) === model.sizeBytes ? content : undefined;
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}

function corrupt(what: string): InflessError {
  return new InflessError('IMAGE_CORRUPT', what, { remedy: 'Pack the model again with infless-pack.' });
}
