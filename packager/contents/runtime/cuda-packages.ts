/** What cuDNN 9 is a door to (NVIDIA's documentation, "cuDNN sub-libraries"). */
const OF_CUDNN = [
  'libcudnn_graph.so.9',
  'libcudnn_ops.so.9',
  'libcudnn_cnn.so.9',
  'libcudnn_adv.so.9',
  'libcudnn_heuristic.so.9',
  'libcudnn_engines_precompiled.so.9',
  'libcudnn_engines_runtime_compiled.so.9',
];

/**
 * What a library opens while it runs, so that its file does not name it as needed.
 *
 * @param cuda the major version that the provider was built for
 */
export function openedLater(library: string, cuda: number): readonly string[] {
  switch (library) {
    case 'libonnxruntime_providers_cuda.so':
      return ['libcudnn.so.9', `libcufft.so.${cuda - 1}`];
    case 'libcudnn.so.9':
      return OF_CUDNN;
    case 'libcudnn_engines_runtime_compiled.so.9':
      return [`libnvrtc.so.${cuda}`];
    default:
      return [];
  }
}

/** The major version of CUDA that has a library of this name; undefined where the name does not say. */
export function cudaMajorOf(library: string): number | undefined {
  const [, major] = /^lib(?:cudart|cublas|cublasLt|nvrtc)\.so\.(\d+)$/.exec(library) ?? [];
  return major === undefined ? undefined : Number(major);
}

/** The driver's own: they come with it, and an image must not bring others. */
const DRIVER = /^lib(?:cuda|nvidia-ml|nvidia-ptxjitcompiler|nvcuvid|nvidia-encode)\.so\.\d+$/;

export function isOfDriver(library: string): boolean {
  return DRIVER.test(library);
}

/**
 * The Python packages that bring NVIDIA's libraries, by how these begin. For CUDA 12 the names ended in
 * `-cu12`.
 */
const PACKAGES: readonly (readonly [prefix: string, name: string])[] = [
  ['libcublas', 'nvidia-cublas'],
  ['libnvblas', 'nvidia-cublas'],
  ['libcudnn', 'nvidia-cudnn'],
  ['libcufft', 'nvidia-cufft'],
  ['libcurand', 'nvidia-curand'],
  ['libcudart', 'nvidia-cuda-runtime'],
  ['libnvrtc', 'nvidia-cuda-nvrtc'],
  ['libnvJitLink', 'nvidia-nvjitlink'],
  ['libcusparse', 'nvidia-cusparse'],
  ['libcusolver', 'nvidia-cusolver'],
  ['libnccl', 'nvidia-nccl'],
  ['libnvinfer', 'tensorrt'],
  ['libnvonnxparser', 'tensorrt'],
];

/** Versions in which libraries of CUDA 12 call themselves by another number than 12. */
const OF_CUDA_12: ReadonlySet<string> = new Set(['libcufft.so.11', 'libcusolver.so.11', 'libcublas.so.12']);

/**
 * The package of PyPI that has a library of NVIDIA's; undefined for what is none of theirs.
 *
 * @param library as others ask for it: `libcublas.so.13`
 */
export function packageOf(library: string): string | undefined {
  const name = PACKAGES.find(([prefix]) => library.startsWith(prefix))?.[1];
  if (name === undefined) return undefined;
  if (name === 'nvidia-cudnn') return 'nvidia-cudnn-cu13';
  const isOld = OF_CUDA_12.has(library) || (library.endsWith('.so.12') && !library.startsWith('libcufft'));
  return isOld ? `${name}-cu12` : name;
}
