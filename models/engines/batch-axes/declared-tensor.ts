import type { DType } from '../../manifest/tensor.ts';

/** A tensor as a model declares it: a free dimension is its symbol, which may be empty. */
export interface DeclaredTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly (number | string)[];
}
