/** The libraries that a provider opens while it runs, so that its file does not name them as needed. */
export const OPENED_LATER: Readonly<Record<string, readonly string[]>> = {
  'libonnxruntime_providers_cuda.so': ['libcudnn.so.9', 'libcufft.so.12'],
};

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
