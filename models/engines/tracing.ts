import { z } from 'zod';

const shape = z.array(z.number().nonnegative());

/** One operator of an optimised graph under one batch: all that its time is predicted from. */
export const operatorSchema = z.object({
  /** Operators of one kind run the same code: `Gemm`, `nchwc.Conv/depthwise`. */
  kind: z.string().min(1),
  /** Of the first input: `float`, `int64`. */
  dtype: z.string(),
  inputs: z.array(shape),
  outputs: z.array(shape),
  weights: z.array(shape),
  /** Positions of the window of a convolution or pooling, else 1. */
  window: z.number().int().min(1),
});
export type Operator = Readonly<z.infer<typeof operatorSchema>>;

/** One execution of an operator. */
export interface TracedOperator {
  readonly operator: Operator;
  readonly durationMs: number;
}

/** Operators that ran on the CPU, with their shares of a run's time: those of the longest first. */
export interface CpuNodes {
  readonly share: number;
  readonly operators: { operator: string; share: number }[];
}
