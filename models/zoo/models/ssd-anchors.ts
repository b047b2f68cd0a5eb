/** A default box: its centre and size, as fractions of the image. */
export interface Anchor {
  readonly centerY: number;
  readonly centerX: number;
  readonly height: number;
  readonly width: number;
}

const MIN_SCALE = 0.2;
const MAX_SCALE = 0.95;
/** Width over height. One more square box is added, between its own level's scale and the next. */
const ASPECT_RATIOS = [1, 2, 1 / 2, 3, 1 / 3] as const;

/**
 * The default boxes of one level of an SSD (Liu et al. 2016, section 2.2), row by row, those of a cell
 * together.
 *
 * @param side cells along each side of the level's square feature map
 */
export function anchorsOfLevel(level: number, levels: number, side: number): Anchor[] {
  const boxes = boxesOfLevel(level, levels);
  const anchors: Anchor[] = [];
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      for (const box of boxes) {
        anchors.push({ centerY: (row + 0.5) / side, centerX: (column + 0.5) / side, ...box });
      }
    }
  }
  return anchors;
}

/**
 * The sizes of the boxes around each cell: three on the finest level, which has most cells, six on the
 * others.
 */
export function boxesOfLevel(level: number, levels: number): Pick<Anchor, 'height' | 'width'>[] {
  if (level === 0) return [box(0.1, 1), box(MIN_SCALE, 2), box(MIN_SCALE, 1 / 2)];
  const scale = scaleOfLevel(level, levels);
  const between = Math.sqrt(scale * scaleOfLevel(level + 1, levels));
  return [...ASPECT_RATIOS.map((ratio) => box(scale, ratio)), box(between, 1)];
}

function scaleOfLevel(level: number, levels: number): number {
  return level === levels ? 1 : MIN_SCALE + ((MAX_SCALE - MIN_SCALE) * level) / (levels - 1);
}

function box(scale: number, ratio: number): Pick<Anchor, 'height' | 'width'> {
  return { height: scale / Math.sqrt(ratio), width: scale * Math.sqrt(ratio) };
}
