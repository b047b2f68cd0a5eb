/** Sizes that made-up inputs are given where their model leaves them open. */
export interface Rung {
  /** Height and width of an image, or of anything else with four or more axes. */
  readonly side: number;
  /** Of a sequence: tokens of a text, frames of a sound. */
  readonly length: number;
  /** Whole numbers that nothing is known of are below; default: as the generator of inputs has it. */
  readonly below?: number | undefined;
}

/** What is tried first: what a generator of inputs takes by itself. */
export const FIRST: Rung = { side: 224, length: 128 };

/** What networks for images are trained with; multiples of 32 first, small ones last. */
const SIDES = [640, 320, 256, 512, 32, 28, 299, 384, 64, 96, 112, 128, 160, 192, 227, 416, 448, 800, 1024];

/** What networks for sequences have, of texts to sounds. */
const LENGTHS = [64, 32, 16, 8, 256, 512, 1, 2, 4, 77, 50, 100, 384, 1000, 1024, 2048, 3000, 4096, 16_000];

/** What of a model's inputs can be tried otherwise. */
export interface Open {
  readonly sides: boolean;
  readonly lengths: boolean;
  readonly integers: boolean;
}

/**
 * What to try, the likeliest first: fewer values, then other sizes, then both. Zero is an id in every table
 * and a flag in every mask.
 */
export function* ladder({ sides, lengths, integers }: Open): Generator<Rung> {
  yield FIRST;
  const values = integers ? [2, 1] : [];
  for (const below of values) yield { ...FIRST, below };
  for (const below of integers ? [undefined, 1] : [undefined]) {
    if (lengths) for (const length of LENGTHS) yield { ...FIRST, length, below };
    if (sides) for (const side of SIDES) yield { ...FIRST, side, below };
  }
}
