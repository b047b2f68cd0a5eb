import type { ErrorCode } from '../../../base/errors.ts';
import { type ProviderName, usesCuda } from '../../provider.ts';
import { newestCudaOf, oldestDriverFor } from './driver.ts';

/** What is known of this machine when a provider fails; undefined is what could not be found out. */
export interface ProviderFacts {
  readonly provider: ProviderName;
  /** Where the runtime looks for its providers' libraries. */
  readonly runtimeFolder: string;
  readonly driverVersion: string | undefined;
  readonly computeCapability: string | undefined;
  /** That the provider's library was built for. */
  readonly cudaMajor: number | undefined;
  /** CUDA's libraries that were found, by name, with their folder. */
  readonly libraries: ReadonlyMap<string, string>;
  /** `CUDA_VISIBLE_DEVICES`, where it is set. */
  readonly visibleDevices: string | undefined;
}

/** A failure of a provider as a person is told it. */
export interface ProviderFailure {
  readonly code: Extract<ErrorCode, 'ACCELERATOR_UNAVAILABLE' | 'ACCELERATOR_OUT_OF_MEMORY'>;
  readonly what: string;
  readonly remedy: string;
}

type Explain = (match: RegExpExecArray, facts: ProviderFacts) => readonly [what: string, remedy: string];

const SEE_DOCS = 'see "Providers" in docs/gpu.md';

/**
 * What ONNX Runtime and CUDA say, and what it means: neither has error codes that reach us, so their wording
 * is all there is. First match wins. The texts are those of onnxruntime's provider_bridge_ort.cc,
 * cuda_call.cc and bfc_arena.cc.
 */
const MEANINGS: readonly (readonly [RegExp, Explain])[] = [
  [
    /libonnxruntime_providers_(\w+)\.so: cannot open shared object file/,
    ([, library], { provider, runtimeFolder }) => [
      `The ${provider} provider of ONNX Runtime is not installed: libonnxruntime_providers_${library}.so is not in ${runtimeFolder}`,
      `It is not in the npm package: put it there from the Python wheel onnxruntime-gpu of the same version, ${SEE_DOCS}.`,
    ],
  ],
  [
    /libcuda\.so\.1: cannot open shared object file/,
    (_, { provider }) => [
      `The ${provider} provider needs an NVIDIA driver, and there is none here (libcuda.so.1 is not found)`,
      "Install the driver, or give the container a GPU with NVIDIA's container toolkit.",
    ],
  ],
  [
    /(libcudnn\w*\.so(?:\.\d+)*): cannot open shared object file|CUDNN_STATUS_NOT_INITIALIZED|CUDNN_STATUS_SUBLIBRARY|dlopen failed for \S*(libcudnn\S*)/,
    ([, library, named], { provider, libraries, cudaMajor }) => [
      `The ${provider} provider needs cuDNN 9, and ${describeCudnn(libraries, library ?? named)}`,
      `Install it (pip install nvidia-cudnn-cu${cudaMajor ?? 13}), or name its folder in INFLESS_CUDA_LIBRARIES.`,
    ],
  ],
  [
    /(libnvinfer\w*\.so\.(\d+)): cannot open shared object file/,
    ([, library, major]) => [
      `The tensorrt provider needs TensorRT ${major}, and ${library} is not found`,
      'Install TensorRT, name its folder in INFLESS_CUDA_LIBRARIES, or use the provider cuda.',
    ],
  ],
  [
    /(lib(cublasLt|cublas|cudart|cufft|curand|nvrtc|nvJitLink)\.so\.\d+): cannot open shared object file/,
    ([, library, part], facts) => [
      `The ${facts.provider} provider needs ${forCuda(facts, library!)}, and ${library} is not found${otherCuda(facts, part!)}`,
      `Install it (pip install ${packageOf(part!, facts.cudaMajor)}), or name its folder in INFLESS_CUDA_LIBRARIES.`,
    ],
  ],
  [
    /(\S+\.so(?:\.\d+)*): cannot open shared object file/,
    ([, library], { provider }) => [
      `The ${provider} provider needs ${library}, which is not found`,
      usesCuda(provider) ? 'Install it, or name its folder in INFLESS_CUDA_LIBRARIES.' : 'Install it.',
    ],
  ],
  [
    /undefined symbol: (\S+)|version `(\S+)' not found/,
    ([, symbol, version], { provider }) => [
      `The ${provider} provider does not fit the libraries that it finds (${symbol ?? version} is missing)`,
      `Take the provider's library from the package of the same version as onnxruntime-node, and a driver that fits its CUDA, ${SEE_DOCS}.`,
    ],
  ],
  [
    /CUDA (?:failure|error) 35\b|driver version is insufficient/i,
    (_, facts) => [
      `The NVIDIA driver ${facts.driverVersion ?? 'here'} is too old for the ${facts.provider} provider${driverRange(facts)}`,
      "Install a newer driver, or a provider's library for an older CUDA.",
    ],
  ],
  [
    /CUDA failure (?:100|101|38|10)\b|no CUDA-capable device|invalid device ordinal/i,
    (_, { visibleDevices }) => [
      `CUDA finds no GPU here${visibleDevices === undefined ? '' : `, where CUDA_VISIBLE_DEVICES is "${visibleDevices}"`}`,
      'Look whether nvidia-smi lists one, and whether this process may use /dev/nvidia*.',
    ],
  ],
  [
    /CUDA failure (?:209|98)\b|no kernel image is available|invalid device function|CUDNN_STATUS_ARCH_MISMATCH|CUBLAS_STATUS_ARCH_MISMATCH/i,
    (_, { provider, computeCapability, cudaMajor }) => [
      `The ${provider} provider has no code for this GPU${computeCapability === undefined ? '' : ` of compute capability ${computeCapability}`}${cudaMajor === 13 ? ': CUDA 13 needs 7.5 or more' : ''}`,
      "Use a newer GPU, or a provider's library that was built for this one.",
    ],
  ],
  [
    /CUDA failure 46\b|CUDA failure 708\b|all CUDA-capable devices are busy or unavailable/i,
    () => [
      'The GPU is taken by another process, as its compute mode Exclusive_Process allows only one',
      'End that process, or share the GPU by MPS.',
    ],
  ],
  [
    /CUDA failure 805\b|MPS client failed to connect/i,
    () => [
      'This process cannot connect to the MPS daemon of the GPU, which may be that of another user',
      'Start the daemon as this user, or end it: echo quit | nvidia-cuda-mps-control.',
    ],
  ],
  [
    /CUDA failure 80[6789]\b|MPS server (?:is not ready|has)|MPS (?:client|connection).*limit/i,
    () => [
      'The MPS daemon of this GPU takes no more processes',
      'Look into its log (control.log and server.log), or restart it.',
    ],
  ],
  [
    /CUDA failure 803\b|unsupported display driver/i,
    (_, { driverVersion }) => [
      `The NVIDIA driver's libraries and its kernel module ${driverVersion ?? ''} are of different versions`.replace(
        '  ',
        ' ',
      ),
      'Restart the machine after an update of the driver, or bring the container up to date.',
    ],
  ],
  [
    /CUDA failure 802\b|system not yet initialized/i,
    () => [
      'The GPU is not ready: its fabric has not been initialized',
      'Start nvidia-fabricmanager, and look into its log.',
    ],
  ],
  [
    /(CUDA|CUDNN|CUBLAS) failure (\d+): ([^;]+?) ;/,
    ([, library, code, text]) => [
      `The GPU failed (${library} error ${code}: ${text})`,
      "Look into the kernel's log (dmesg | grep -i xid) and at nvidia-smi.",
    ],
  ],
];

const OUT_OF_MEMORY =
  /CUDA failure 2\b|CUDNN_STATUS_ALLOC_FAILED|CUBLAS_STATUS_ALLOC_FAILED|CUDA_ERROR_OUT_OF_MEMORY|Failed to allocate memory for requested buffer of size (\d+)|Available memory of \d+ is smaller than requested bytes of (\d+)/;

/**
 * What a text of the runtime means where a provider other than the CPU is used; undefined where it is about
 * something else.
 */
export function explainFailure(text: string, facts: ProviderFacts): ProviderFailure | undefined {
  const memory = OUT_OF_MEMORY.exec(text);
  if (memory !== null) {
    const wanted = memory[1] ?? memory[2];
    return {
      code: 'ACCELERATOR_OUT_OF_MEMORY',
      what: `The GPU is out of memory${wanted === undefined ? '' : ` (${Math.ceil(Number(wanted) / 2 ** 20)} MiB more were needed)`}`,
      remedy: 'Use smaller batches, or fewer processes on this GPU.',
    };
  }
  for (const [pattern, explain] of MEANINGS) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const [what, remedy] = explain(match, facts);
    return { code: 'ACCELERATOR_UNAVAILABLE', what, remedy };
  }
  return undefined;
}

/** Whether a text is about a provider at all: cheaper than to gather what explains it. */
export function isOfProvider(text: string): boolean {
  return OUT_OF_MEMORY.test(text) || MEANINGS.some(([pattern]) => pattern.test(text));
}

function describeCudnn(libraries: ReadonlyMap<string, string>, missing: string | undefined): string {
  const [found] = [...libraries].filter(([name]) => name.startsWith('libcudnn.so.'));
  if (found !== undefined && found[0] !== 'libcudnn.so.9') return `only ${found[0]} is there, in ${found[1]}`;
  if (found !== undefined) return `the one in ${found[1]} does not start`;
  return `${missing ?? 'libcudnn.so.9'} is not found`;
}

function forCuda({ cudaMajor }: ProviderFacts, library: string): string {
  const major = cudaMajor ?? cudaMajorOf(library);
  return major === undefined ? "CUDA's libraries" : `the libraries of CUDA ${major}`;
}

/** `libcurand.so.10` and `libcufft.so.11` have versions of their own. */
function cudaMajorOf(library: string): number | undefined {
  const [, major] = /^lib(?:cublas|cublasLt|cudart|nvrtc|nvJitLink)\.so\.(\d+)$/.exec(library) ?? [];
  return major === undefined ? undefined : Number(major);
}

/** CUDA 12 where 13 is wanted, or the other way round. */
function otherCuda({ libraries }: ProviderFacts, part: string): string {
  const other = [...libraries].find(([name]) => name.startsWith(`lib${part}.so.`));
  if (other === undefined) return '';
  const major = cudaMajorOf(other[0]);
  return `; ${major === undefined ? other[0] : `CUDA ${major}`} is in ${other[1]}`;
}

const PACKAGES: Readonly<Record<string, string>> = {
  cublas: 'cublas',
  cublasLt: 'cublas',
  cudart: 'cuda-runtime',
  cufft: 'cufft',
  curand: 'curand',
  nvrtc: 'cuda-nvrtc',
  nvJitLink: 'nvjitlink',
};

/** From CUDA 13 on the names of the wheels end without a version. */
function packageOf(part: string, cudaMajor = 13): string {
  return `nvidia-${PACKAGES[part]}${cudaMajor < 13 ? `-cu${cudaMajor}` : ''}`;
}

function driverRange({ driverVersion, cudaMajor }: ProviderFacts): string {
  const newest = driverVersion === undefined ? undefined : newestCudaOf(driverVersion);
  const oldest = cudaMajor === undefined ? undefined : oldestDriverFor(cudaMajor);
  const needs = oldest === undefined ? '' : `, whose CUDA ${cudaMajor} needs ${oldest} or newer`;
  return `${needs}${newest === undefined ? '' : `; this one takes CUDA up to ${newest}`}`;
}
