import type { Tensor } from '@tensorflow/tfjs-core';
import type { DeclaredTensor } from '../engines/batch-axes/declared-tensor.ts';
import type { GraphEvidence } from '../engines/batch-axes/evidence.ts';

/** A loaded model of either kind: what it declares, and how it runs. */
export interface TfjsModel {
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
  /** Inputs by name; outputs in the order of `outputs`. */
  predict(feeds: Readonly<Record<string, Tensor>>): Promise<readonly Tensor[]>;
  /** What the model tells about its outputs without running. */
  evidence(): Promise<GraphEvidence>;
  dispose(): void;
}
