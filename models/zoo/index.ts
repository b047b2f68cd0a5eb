import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileSafely } from '../base/files.ts';
import { Graph, type ZooModel } from './graph.ts';
import { dssm } from './models/dssm.ts';
import { lstmMaxclass2365 } from './models/lstm-maxclass-2365.ts';
import { mnist } from './models/mnist.ts';
import { mobilenet } from './models/mobilenet.ts';
import { resnet50 } from './models/resnet-50.ts';
import { ssd } from './models/ssd.ts';
import { textcnn69 } from './models/textcnn-69.ts';
import { unknownModel } from './names.ts';

export type { ZooModel } from './graph.ts';

/** The paper's networks, built on first use: real layers, random weights, any batch size. */
export const ZOO_MODELS: readonly ZooModel[] = [
  mobilenet,
  resnet50,
  ssd,
  textcnn69,
  lstmMaxclass2365,
  dssm,
  mnist,
];

/** Builds under way in this process, by path: two callers of one model share the work. */
const underWay = new Map<string, Promise<string>>();

/**
 * The path of a zoo model's ONNX file, written into the cache on first use. Several processes may build at
 * once: each replaces the file as a whole, with the same bytes.
 *
 * @throws InflessError MODEL_NOT_FOUND for a name the zoo does not have, STORAGE_FAILED where the cache
 * cannot be written.
 */
export async function buildZooModel(name: string, cacheDir: string): Promise<string> {
  const model = findZooModel(name);
  if (model === undefined) throw unknownModel(name);
  const file = join(cacheDir, 'models', `${model.name}-${model.version}.onnx`);
  const building = underWay.get(file) ?? ensureBuilt(model, file).finally(() => underWay.delete(file));
  underWay.set(file, building);
  return building;
}

function findZooModel(name: string): ZooModel | undefined {
  return ZOO_MODELS.find((model) => model.name === name);
}

async function ensureBuilt(model: ZooModel, file: string): Promise<string> {
  if ((await sizeOfFile(file)) === model.sizeBytes) return file;
  const graph = new Graph(model.name);
  model.build(graph);
  await writeFileSafely(file, graph.encode(), 'Set INFLESS_CACHE_DIR to a folder that can be written.');
  return file;
}

/** Undefined where there is no file, or none that can be seen: writing it then tells why. */
async function sizeOfFile(file: string): Promise<number | undefined> {
  return stat(file).then(
    (stats) => stats.size,
    () => undefined,
  );
}
