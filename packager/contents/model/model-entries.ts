import type { ModelContent, ModelPart } from '../../../models/engines/content.ts';
import type { TarEntry } from '../../tar/tar-entry.ts';
import { fileEntry } from '../file-entry.ts';

/** Where a model lies in its image. */
export const MODEL_FOLDER = 'model';

/**
 * Files from this size on are a layer each: one that changes leaves the others where they are, and they
 * travel side by side.
 */
const OWN_LAYER_BYTES = 32 << 20;

/** Runtimes mount 127 layers at most; what a model has beyond this many large files shares a layer. */
const MOST_OWN_LAYERS = 64;

const ONE_FILE = 'model file ';
const SEVERAL_FILES = ' files of the model';

/** Whether a layer of this title holds files of the model. */
export function isModelLayer(title: string): boolean {
  return title.startsWith(ONE_FILE) || title.endsWith(SEVERAL_FILES);
}

/** The content of one layer, with a line that says what it is. */
export interface LayerPlan {
  readonly title: string;
  readonly entries: readonly TarEntry[];
}

/** The layers of a model's files: the large ones alone, the rest together. */
export async function modelLayers({ parts }: ModelContent): Promise<readonly LayerPlan[]> {
  const large = parts.filter(({ sizeBytes }) => sizeBytes >= OWN_LAYER_BYTES).slice(0, MOST_OWN_LAYERS);
  const rest = parts.filter((part) => !large.includes(part));
  const groups = [...large.map((part) => [part]), ...(rest.length === 0 ? [] : [rest])];
  return Promise.all(groups.map(planOf));
}

async function planOf(parts: readonly ModelPart[]): Promise<LayerPlan> {
  const [first] = parts;
  return {
    title: parts.length === 1 ? `${ONE_FILE}${first!.name}` : `${parts.length}${SEVERAL_FILES}`,
    entries: await Promise.all(parts.map(({ name, file }) => fileEntry(`${MODEL_FOLDER}/${name}`, file))),
  };
}
