import type { Rule } from '../onnx-node.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { COUNTING } from './counting.ts';
import { MOVES } from './moves.ts';
import { SHAPES } from './shapes.ts';

/** By operator. Of others nothing is known. */
export const RULES: ReadonlyMap<string, Rule> = new Map(
  Object.entries({ ...ARITHMETIC, ...SHAPES, ...MOVES, ...COUNTING }),
);
