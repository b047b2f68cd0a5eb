import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot, packageVersion } from '../../../../models/base/package.ts';
import { runtimePackages } from '../../../../packager/contents/runtime/packages.ts';
import { programPath, servingProgram } from '../../../../packager/contents/runtime/program.ts';
import { runtimeEntries } from '../../../../packager/contents/runtime/runtime-entries.ts';
import { traceRuntime } from '../../../../packager/contents/runtime/trace.ts';
import type { FileEntry, TarEntry } from '../../../../packager/tar/tar-entry.ts';
import { encodeTinyModel, LINEAR } from '../../../support/tiny-models.ts';
import { AMD64, ARM64, HERE } from '../bases.ts';
import { install } from '../install.ts';

let entries: readonly TarEntry[];
let root: string;
beforeAll(async () => {
  entries = await runtimeEntries(servingProgram('onnx'), HERE);
  root = await mkdtemp(join(tmpdir(), 'infless-runtime-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const filesOf = (all: readonly TarEntry[]) =>
  all.filter((entry): entry is FileEntry => entry.type === 'file');
const ORT = 'opt/infless/node_modules/onnxruntime-node/bin/napi-v6/linux';

describe('the runtime in an image', () => {
  it('is a serving process that runs where nothing else of us is', async () => {
    await install(entries, root);
    const start = (environment: Record<string, string>) =>
      spawnSync(
        process.execPath,
        [join(root, programPath(servingProgram('onnx'))), ...(environment.args?.split(' ') ?? [])],
        {
          env: { PATH: '', HOME: root, INFLESS_CACHE_DIR: join(root, 'cache'), ...environment },
          encoding: 'utf8',
        },
      );
    expect(start({ args: '--version' }).stdout.trim()).toBe(packageVersion);
    // A model that is none: all of the way to the native library, and back with its word on it.
    const model = join(root, 'broken.onnx');
    await writeFile(model, encodeTinyModel({ ...LINEAR, weights: [] }));
    const { status, stderr } = start({ INFLESS_MODEL: model, INFLESS_PORT: '0' });
    expect(stderr).toContain('holds a graph that is not valid');
    expect(status).toBe(2);
  });

  it('has no sources, types, maps, documents, and no other program of ours', () => {
    const paths = entries.map(({ path }) => path);
    const loaded = /\.(?:js|cjs|mjs|json|node)$|libonnxruntime\.so/;
    expect(paths.filter((path) => !loaded.test(path))).toEqual([]);
    expect(
      paths.filter((path) => /\/(?:test|docs|src)\/|\/dist\/(?:autoscaler|profiler)\//.test(path)),
    ).toEqual([]);
    expect(paths).toContain('opt/infless/node_modules/infless/dist/packager/server/bin.js');
    expect(paths).toContain('opt/infless/node_modules/infless/dist/packager/server/inference-worker.js');
  });

  it('has the native library of one platform', async () => {
    const native = (all: readonly TarEntry[]) =>
      all.filter(({ path }) => path.includes('/bin/napi')).map(({ path }) => path);
    expect(native(await runtimeEntries(servingProgram('onnx'), AMD64))).toEqual([
      `${ORT}/x64/libonnxruntime.so.1`,
      `${ORT}/x64/onnxruntime_binding.node`,
    ]);
    expect(native(await runtimeEntries(servingProgram('onnx'), ARM64))).toEqual([
      `${ORT}/arm64/libonnxruntime.so.1`,
      `${ORT}/arm64/onnxruntime_binding.node`,
    ]);
    await expect(
      runtimeEntries(servingProgram('onnx'), { os: 'linux', architecture: 's390x' }),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      sentence: 'There is no ONNX runtime for platform linux/s390x. Choose among linux/amd64, linux/arm64.',
    });
  });

  it('takes less than 60 MB beside base and weights', () => {
    const sizeBytes = filesOf(entries).reduce((sum, entry) => sum + entry.sizeBytes, 0);
    expect(sizeBytes).toBeLessThan(60e6);
  });

  it('takes nothing from outside the project, however the code builds its paths', async () => {
    const outside = (await traceRuntime(servingProgram('onnx'))).filter(
      (file) => !file.startsWith(packageRoot),
    );
    expect(outside).toEqual([]);
  });

  it('is of packages that an SBOM can name', async () => {
    const folders = await runtimePackages(servingProgram('onnx'));
    expect(folders[0]).toBe(packageRoot);
    const names = folders.slice(1).map((folder) => folder.split('/node_modules/').at(-1));
    expect(names).toContain('fastify');
    expect(names).toContain('onnxruntime-node');
    expect(names).toContain('@fastify/error');
    expect(names).not.toContain('typescript');
    expect(new Set(names).size).toBeGreaterThan(40);
  });
});
