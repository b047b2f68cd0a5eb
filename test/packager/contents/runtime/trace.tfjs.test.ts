import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineFor } from '../../../../models/engines/index.ts';
import { generateInputs } from '../../../../models/manifest/inputs.ts';
import { runtimePackages } from '../../../../packager/contents/runtime/packages.ts';
import { programPath, servingProgram } from '../../../../packager/contents/runtime/program.ts';
import { runtimeEntries } from '../../../../packager/contents/runtime/runtime-entries.ts';
import { READY_PATH } from '../../../../packager/server/instance-protocol.ts';
import type { TarEntry } from '../../../../packager/tar/tar-entry.ts';
import { LINEAR_GRAPH, writeTfjsModel } from '../../../support/tfjs-models.ts';
import { ModelFolder } from '../../../support/tiny-models.ts';
import { HERE } from '../bases.ts';
import { install } from '../install.ts';

const TFJS = servingProgram('tfjs');

let folder: ModelFolder;
let entries: readonly TarEntry[];
beforeAll(async () => {
  folder = await ModelFolder.create();
  entries = await runtimeEntries(TFJS, HERE);
}, 120_000);
afterAll(() => folder.remove());

describe('the runtime in an image of a TF.js model', () => {
  it('has TensorFlow.js with its WebAssembly, and no ONNX runtime', async () => {
    const paths = entries.map(({ path }) => path);
    const wasm = 'opt/infless/node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
    expect(paths).toContain(wasm);
    expect(paths.filter((path) => /onnxruntime|\.map$|\.d\.ts$|\.so/.test(path))).toEqual([]);
    const packages = await runtimePackages(TFJS);
    expect(packages.filter((path) => path.includes('@tensorflow')).length).toBeGreaterThanOrEqual(4);
    expect(
      (await runtimePackages(servingProgram('onnx'))).filter((path) => path.includes('@tensorflow')),
    ).toEqual([]);
  });

  it('answers as the engine does, where nothing else of us is', async () => {
    const root = join(folder.path, 'root');
    await install(entries, root);
    const path = await writeTfjsModel(join(folder.path, 'linear'), LINEAR_GRAPH);
    const engine = engineFor('tfjs');
    const manifest = await engine.inspect(path, 'linear');
    const session = await engine.open({ path, manifest }, { cpuMillicores: 1000, gpuPercent: 0 });
    const feeds = generateInputs(manifest, { batch: 1 });
    const { scores } = await session.run(feeds);
    await session.close();

    const server = spawn(process.execPath, [join(root, programPath(TFJS))], {
      env: {
        PATH: '',
        INFLESS_MODEL: path,
        INFLESS_PORT: '0',
        INFLESS_CACHE_DIR: join(folder.path, 'cache'),
      },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const closed = once(server, 'close');
    try {
      const [message] = await Promise.race([once(server, 'message'), closed.then(() => [{ port: 0 }])]);
      const url = `http://127.0.0.1:${(message as { port: number }).port}`;
      while ((await fetch(url + READY_PATH)).status !== 200) expect(server.exitCode).toBeNull();
      const answer = await fetch(`${url}/v1/models/linear:predict`, {
        method: 'POST',
        body: JSON.stringify({ instances: [[...(feeds.image!.data as Float32Array)]] }),
      });
      const { predictions } = (await answer.json()) as { predictions: number[][] };
      expect(predictions.flat().map(Math.fround)).toEqual([...(scores!.data as Float32Array)]);
    } finally {
      server.kill();
      await closed;
    }
  }, 120_000);
});
