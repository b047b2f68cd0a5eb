import { FRAMES } from '../control-flow.ts';
import type { Rule } from '../tf-node.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { COUNTING } from './counting.ts';
import { LISTS } from './lists.ts';
import { MOVES } from './moves.ts';
import { SHAPES } from './shapes.ts';

/** By operator. Of others nothing is known. */
export const RULES: ReadonlyMap<string, Rule> = new Map(
  Object.entries({ ...ARITHMETIC, ...SHAPES, ...MOVES, ...COUNTING, ...LISTS, ...FRAMES }),
);
