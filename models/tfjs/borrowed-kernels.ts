import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import type { Core } from './runtime.ts';

/**
 * Lets a backend run the operators that it lacks and another one has (WebAssembly has no Einsum, JavaScript has
 * everything): such an operator's inputs move there, its results move back, and the rest of the model stays as fast
 * as it was.
 */
export function borrowKernels(core: Core, borrower: string, lender: string): void {
  for (const { kernelName, kernelFunc } of core.getKernelsForBackend(lender)) {
    if (core.getKernel(kernelName, borrower) !== undefined) continue;
    core.registerKernel({
      kernelName,
      backendName: borrower,
      kernelFunc: borrowed(core, kernelFunc, lender),
    });
  }
}

function borrowed(core: Core, kernelFunc: KernelFunc, lender: string): KernelFunc {
  return ({ inputs, attrs = {}, backend }) => {
    const own = backend as KernelBackend;
    const other = core.engine().findBackend(lender);
    const bringBack = ({ dataId, shape, dtype }: TensorInfo): TensorInfo => {
      if (dtype === 'complex64') throw new Error('complex numbers are not supported');
      const values = other.readSync(dataId);
      other.disposeData(dataId); // no more than our reference: it may be an input's
      return { dataId: own.write(values, shape, dtype), shape, dtype };
    };
    // Data that the lender does not have it asks the engine for, which moves it: so the inputs get there.
    const results = kernelFunc({ inputs, attrs, backend: other });
    return Array.isArray(results) ? results.map(bringBack) : bringBack(results);
  };
}
