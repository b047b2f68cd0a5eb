import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-layers';
import { loadRuntime } from '../../../../dist/models/engines/tfjs/runtime/runtime.js';

/** Models of the zoo: images, ids and rows of numbers. */
export const ZOO = ['mobilenet', 'mnist', 'textcnn-69', 'lstm-maxclass-2365'];

/** TF.js models, layer by layer. */
const LAYERS = {
  'tfjs-images': () => [
    tf.layers.conv2d({ inputShape: [96, 96, 3], filters: 16, kernelSize: 3, strides: 2, activation: 'relu' }),
    tf.layers.conv2d({ filters: 32, kernelSize: 3, strides: 2, activation: 'relu' }),
    tf.layers.globalAveragePooling2d({}),
    tf.layers.dense({ units: 10, activation: 'softmax' }),
  ],
  'tfjs-rows': () => [
    tf.layers.dense({ inputShape: [512], units: 1024, activation: 'relu' }),
    tf.layers.dense({ units: 512 }),
  ],
};
export const TFJS = Object.keys(LAYERS);

/** Finds or makes a model; `remove` takes away what was made. */
export async function modelNamed(name) {
  if (LAYERS[name] === undefined) return { reference: name, remove: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'infless-memory-'));
  await save(LAYERS[name](), folder);
  return { reference: join(folder, 'model.json'), remove: () => rm(folder, { recursive: true }) };
}

async function save(layers, folder) {
  await loadRuntime({ cpuMillicores: 1000, gpuPercent: 0 });
  const model = tf.sequential({ layers });
  await model.save({
    save: async ({ modelTopology, weightSpecs, weightData }) => {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      const json = { format: 'layers-model', modelTopology, weightsManifest };
      await writeFile(join(folder, 'weights.bin'), new Uint8Array(weightData));
      await writeFile(join(folder, 'model.json'), JSON.stringify(json));
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  model.dispose();
}
