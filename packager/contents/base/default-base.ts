/** What an image can have to run a model beside the CPU. */
export const ACCELERATORS = ['cuda'] as const;
export type Accelerator = (typeof ACCELERATORS)[number];

/**
 * An image with all that the CUDA provider needs, but without Node.js. Its CUDA is that of the provider on
 * PyPI.
 */
export const DEFAULT_CUDA_BASE = 'nvidia/cuda:13.0.2-cudnn-runtime-ubuntu24.04';

/**
 * A small Node.js with the C++ library that the ONNX runtime needs, no shell and no package manager. The name
 * stays the same while its content is updated: name a digest for the same image for ever.
 */
export const DEFAULT_BASE = 'gcr.io/distroless/nodejs22-debian12';

/** Debian's C and C++ libraries with zlib, which cuDNN needs and the smaller base lacks. */
const DEFAULT_BASE_WITH_LIBRARIES = 'node:22-slim';

/** @param bringsLibraries whether CUDA's libraries are added, so that the base need not have them */
export function defaultBase(accelerator: Accelerator | undefined, bringsLibraries: boolean): string {
  if (accelerator === undefined) return DEFAULT_BASE;
  return bringsLibraries ? DEFAULT_BASE_WITH_LIBRARIES : DEFAULT_CUDA_BASE;
}

/** The only platform that has it; without an accelerator that of this machine. */
export function platformsOf(accelerator: Accelerator | undefined): readonly string[] | undefined {
  return accelerator === 'cuda' ? ['linux/amd64'] : undefined;
}
