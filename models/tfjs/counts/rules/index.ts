import { ARITHMETIC } from './arithmetic.ts';
import { COUNTING } from './counting.ts';
import { MOVES } from './moves.ts';
import type { Rules } from './rule.ts';
import { SHAPES } from './shapes.ts';

/** By operator. One that is not here is one of which nothing is known. */
export const RULES: Rules = { ...ARITHMETIC, ...SHAPES, ...MOVES, ...COUNTING };
