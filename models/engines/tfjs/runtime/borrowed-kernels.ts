import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { messageOf } from '../../../base/errors.ts';
import type { Core } from './tfjs-runtime.ts';

/**
 * How an operator says that it has no code for this element type, activation or layout. Another backend may.
 */
const REFUSAL = /not (?:yet )?support|only supports|dtype float32|only float32/;

/**
 * Lets a backend run the operators that it lacks and another one has (WebAssembly has no Einsum, and
 * multiplies no integers; JavaScript does everything): such an operator's inputs move there, its results move
 * back, and the rest of the model stays as fast as it was. To be called before the borrower is first used.
 */
export function borrowKernels(core: Core, borrower: string, lender: string): void {
  for (const { kernelName, kernelFunc } of core.getKernelsForBackend(lender)) {
    const borrowed = borrow(core, kernelFunc, lender);
    const own = core.getKernel(kernelName, borrower);
    if (own === undefined) {
      core.registerKernel({ kernelName, backendName: borrower, kernelFunc: borrowed });
    } else {
      core.unregisterKernel(kernelName, borrower);
      core.registerKernel({ ...own, kernelFunc: withFallback(own.kernelFunc, borrowed) });
    }
  }
}

function withFallback(own: KernelFunc, borrowed: KernelFunc): KernelFunc {
  return (call) => {
    try {
      return own(call);
    } catch (error) {
      if (!REFUSAL.test(messageOf(error))) throw error;
      return borrowed(call);
    }
  };
}

function borrow(core: Core, kernelFunc: KernelFunc, lender: string): KernelFunc {
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
