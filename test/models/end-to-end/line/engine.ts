import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { digestFile } from '../../../../models/base/files.ts';
import { contentOf, digestModel, nameByFile, sizeOfModel } from '../../../../models/engines/content.ts';
import type { Engine } from '../../../../models/engines/engine.ts';
import { CPU_PROVIDER } from '../../../../models/engines/provider.ts';
import { rowsOf } from '../../../../models/manifest/feeds.ts';

const lineSchema = z.object({ a: z.number(), b: z.number() });

async function readLine(path: string): Promise<z.infer<typeof lineSchema>> {
  const text = await readFile(path, 'utf8');
  return lineSchema.parse(JSON.parse(text));
}

/** Straight lines, y = a · x + b, from files like `{"a": 2, "b": 1}`: the least that an engine can be. */
export const lineEngine: Engine = {
  format: 'line',
  kind: 'a .line file',
  recognizes: (path) => path.endsWith('.line'),
  defaultName: nameByFile,
  files: async (path) => [basename(path)],
  graphDigest: digestFile,
  version: 'line 1',
  takesThreading: false,
  runtime: { packages: [], files: [] },
  async inspect(path, name) {
    const content = await contentOf(lineEngine, path);
    await readLine(path);
    const tensor = { dtype: 'float32', shape: [null], batchAxis: 0 } as const;
    return {
      name,
      format: lineEngine.format,
      digest: await digestModel(content),
      sizeBytes: sizeOfModel(content),
      inputs: [{ name: 'x', ...tensor, shape: [...tensor.shape] }],
      outputs: [{ name: 'y', ...tensor, shape: [...tensor.shape] }],
    };
  },
  providerNames: async () => [CPU_PROVIDER],
  providers: async () => [{ name: CPU_PROVIDER }],
  async open({ path, manifest }) {
    const { a, b } = await readLine(path);
    return {
      manifest,
      threads: 1,
      spinning: false,
      async run(feeds) {
        rowsOf(manifest, feeds);
        const { shape, data } = feeds.x!;
        const y = (data as Float32Array).map((x) => a * x + b);
        return { y: { dtype: 'float32', shape, data: y } };
      },
      close: async () => {},
    };
  },
};
