import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runtimeVersion } from '../../../../models/engines/onnx/runtime.ts';
import { locateModel } from '../../../../models/resolve/locate-model.ts';
import { hostPlatform } from '../../../../packager/contents/base/host-base.ts';
import { readDocument } from '../../../../packager/oci/document.ts';
import { type Image, imageOf } from '../../../../packager/oci/image.ts';
import { imageConfigSchema } from '../../../../packager/oci/schema.ts';
import type { ImageSource } from '../../../../packager/oci/source.ts';
import { verifyBundle } from '../../../../packager/oci/verify-bundle.ts';
import { type Packed, type PackOptions, pack } from '../../../../packager/pack.ts';
import type { ElfText } from '../../../support/elf-file.ts';
import { LINEAR_GRAPH, writeTfjsModel } from '../../../support/tfjs-models.ts';
import { LINEAR, ModelFolder } from '../../../support/tiny-models.ts';
import { AMD64, ARM64, type ContainerConfig, NODE_CONFIG } from '../bases.ts';
import { type Content, layerOf, writeFiles } from './elf-layers.ts';

const VERSION = runtimeVersion().split(' ')[1]!;
const CAPI = 'onnxruntime/capi';

/** The provider as the wheel brings it. */
function provider(version: string): Record<string, ElfText> {
  return {
    [`${CAPI}/libonnxruntime_providers_cuda.so`]: {
      needed: ['libcublas.so.13', 'libcudart.so.13', 'libcuda.so.1', 'libc.so.6'],
      sections: { '.rodata': Buffer.from(`\0${version}\0`) },
    },
    [`${CAPI}/libonnxruntime_providers_shared.so`]: { needed: ['libc.so.6'] },
  };
}

const CUDNN = ['graph', 'ops', 'cnn', 'adv', 'heuristic', 'engines_precompiled', 'engines_runtime_compiled'];

/** What it needs, as the wheels lie in `site-packages`. */
const WHEELS: Readonly<Record<string, ElfText>> = {
  'nvidia/cu13/lib/libcublas.so.13': { needed: ['libcublasLt.so.13'], runpath: '$ORIGIN' },
  'nvidia/cu13/lib/libcublasLt.so.13': { needed: ['libc.so.6'] },
  'nvidia/cu13/lib/libcudart.so.13': { needed: ['libc.so.6'] },
  'nvidia/cu13/lib/libcufft.so.12': { needed: ['libc.so.6'] },
  'nvidia/cu13/lib/libnvrtc.so.13': {},
  'nvidia/cu13/lib/libnvrtc-builtins.so.13.5': {},
  'nvidia/cudnn/lib/libcudnn.so.9': {},
  ...Object.fromEntries(
    CUDNN.map((part) => [`nvidia/cudnn/lib/libcudnn_${part}.so.9`, { needed: ['libz.so.1'] }]),
  ),
  'nvidia/cudnn/lib/libcudnn_ext.so.9': {}, // of newer versions: nothing names it
};

/** What the engine and Node.js need of the system. */
const SYSTEM: Readonly<Record<string, Content>> = Object.fromEntries(
  ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'librt.so.1', 'libpthread.so.0', 'libgcc_s.so.1', 'libz.so.1']
    .concat('libstdc++.so.6', 'ld-linux-x86-64.so.2')
    .map((name) => [`usr/lib/x86_64-linux-gnu/${name}`, {}]),
);

let root: string;
let models: ModelFolder;
let model: string;
let wheels: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'infless-cuda-image-'));
  models = await ModelFolder.create();
  model = await models.write('net.onnx', LINEAR);
  wheels = join(root, 'wheels');
  await writeFiles(wheels, { ...provider(VERSION), ...WHEELS });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await models.remove();
  await rm(root, { recursive: true });
});

function base(files: Readonly<Record<string, Content>>, config: ContainerConfig = NODE_CONFIG): ImageSource {
  return {
    name: 'registry.example/base',
    fetch: async (platform) => {
      const layer = await layerOf(join(root, 'base'), files, true);
      return imageOf({
        platform,
        config: { ...platform, config, rootfs: { type: 'layers', diff_ids: [layer.diffId] }, history: [] },
        layers: [layer],
      });
    },
  };
}

async function packed(options: Partial<PackOptions> = {}): Promise<Packed> {
  return pack({
    model: await locateModel(model),
    base: base(SYSTEM),
    platforms: [AMD64],
    profile: false,
    accelerator: 'cuda',
    acceleratorLibraries: [wheels],
    ...options,
  });
}

const configOf = (image: Image) => readDocument(image.config, imageConfigSchema, 'it', 'config');
const titlesOf = async ({ images: [image] }: Packed) =>
  (await configOf(image!)).history?.map(({ comment }) => comment).slice(1);

describe('an image that computes on NVIDIA GPUs', () => {
  it('has the provider, and the libraries that the base is without, with those that they open later', async () => {
    const bundle = await packed();
    expect((await verifyBundle(bundle, 'it')).problems).toEqual([]);
    const titles = await titlesOf(bundle);
    expect(titles?.[0]).toBe('15 CUDA libraries'); // libcudnn_ext and libnvrtc-builtins among them
    expect(titles?.[2]).toBe('CUDA provider of the ONNX runtime');
    const { config } = await configOf(bundle.images[0]!);
    expect(config?.Env).toEqual(
      expect.arrayContaining([
        'LD_LIBRARY_PATH=/opt/infless/cuda',
        'NVIDIA_DRIVER_CAPABILITIES=compute,utility',
        'INFLESS_PROVIDER=cuda',
        'INFLESS_GPU_PERCENT=100',
      ]),
    );
    expect(config?.Labels).toMatchObject({ 'io.infless.accelerator': 'cuda' });
    expect((await packed()).root.descriptor).toEqual(bundle.root.descriptor);
  });

  it('has no CUDA of ours on a base that has it', async () => {
    const onPath = Object.entries(WHEELS).map(([path, text]) => [
      path.replace(/.*\//, 'usr/local/cuda/lib64/'),
      text,
    ]);
    const cudaBase = base(
      { ...SYSTEM, ...Object.fromEntries(onPath) },
      { ...NODE_CONFIG, Env: [...NODE_CONFIG.Env!, 'LD_LIBRARY_PATH=/usr/local/cuda/lib64'] },
    );
    const bundle = await packed({ base: cudaBase });
    expect((await titlesOf(bundle))?.[0]).toMatch(/^serving runtime/);
    const { config } = await configOf(bundle.images[0]!);
    expect(config?.Env).toContain('LD_LIBRARY_PATH=/usr/local/cuda/lib64');
  });

  it.each(Object.keys(WHEELS).filter((path) => !/builtins|_ext/.test(path)))(
    'is refused without %s, which is named',
    async (path) => {
      await rm(join(wheels, path));
      const name = path.replace(/.*\//, '');
      await expect(packed()).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(
          new RegExp(
            `^Base registry.example/base lacks what .*: ${name.replaceAll('.', '\\.')} \\(for lib\\S+\\)$`,
          ),
        ),
        details: { missing: [name] },
      });
    },
  );

  it('says which packages have what is missing, and that another CUDA is there', async () => {
    const twelve = base({ ...SYSTEM, 'usr/lib/libcublas.so.12': {}, 'usr/lib/libcudart.so.13': {} });
    await rm(join(wheels, 'nvidia'), { recursive: true });
    await expect(packed({ base: twelve })).rejects.toMatchObject({
      message:
        'Base registry.example/base lacks what the CUDA provider needs: ' +
        'libcublas.so.13 (for libonnxruntime_providers_cuda.so; libcublas.so.12 is there), ' +
        'libcudnn.so.9 (for libonnxruntime_providers_cuda.so), libcufft.so.12 (for libonnxruntime_providers_cuda.so)',
      remedy: expect.stringContaining(
        'pip install --target cuda nvidia-cublas nvidia-cudnn-cu13 nvidia-cufft,',
      ),
    });
  });

  it('brings this machine’s Node.js along to a base that has none', async (context) => {
    context.skip(
      hostPlatform().architecture !== 'amd64' || process.platform !== 'linux',
      'needs Linux on x64',
    );
    const bundle = await packed({ base: base(SYSTEM, { Env: ['PATH=/usr/bin'] }) });
    expect((await titlesOf(bundle))?.[0]).toBe(`Node.js ${process.version}`);
    expect((await configOf(bundle.images[0]!)).config?.Entrypoint?.[0]).toBe('/usr/local/bin/node');
    const { 'usr/lib/x86_64-linux-gnu/libstdc++.so.6': _, ...less } = SYSTEM;
    await expect(packed({ base: base(less, {}) })).rejects.toMatchObject({
      message: expect.stringContaining('libstdc++.so.6 (for '),
      remedy: 'Choose a base with glibc, libstdc++ and zlib, as Debian and Ubuntu have them.',
    });
  });

  it('takes no provider of another version than the engine’s, and says how to get the right one', async () => {
    await writeFiles(wheels, provider('1.2.3'));
    await expect(packed()).rejects.toMatchObject({
      code: 'ACCELERATOR_UNAVAILABLE',
      exitCode: 4,
      message: expect.stringContaining(`is of another version than onnxruntime-node ${VERSION}`),
    });
    await rm(join(wheels, CAPI), { recursive: true });
    await expect(packed()).rejects.toMatchObject({
      message: `onnxruntime-node ${VERSION} has no CUDA provider here`,
      remedy: expect.stringContaining(`onnxruntime-gpu==${VERSION}`),
    });
  });

  it('is for Linux on x64 and ONNX models alone, and takes no folder without CUDA', async () => {
    await expect(packed({ platforms: [ARM64] })).rejects.toMatchObject({
      message: 'There is no CUDA provider of ONNX Runtime for platform linux/arm64',
    });
    const tfjs = await locateModel(await writeTfjsModel(join(root, 'tfjs'), LINEAR_GRAPH));
    await expect(packed({ model: tfjs })).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
    await expect(packed({ acceleratorLibraries: [root] })).rejects.toMatchObject({
      message: `There are no libraries of CUDA in ${root}`,
    });
  });
});
