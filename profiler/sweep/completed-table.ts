import { type Config, compareConfigs } from '../../profiles/config.ts';
import { predictCells } from '../../profiles/surface/predict-cells.ts';
import type { Cell, ProfileTable, ThreadChoice } from '../../profiles/table.ts';
import { heldOutError } from './sampling/held-out.ts';
import { expectedThreading } from './threads/choose-threads.ts';

/** A table's cells in order, those that were not measured predicted, with how well that can be done. */
export function completed(
  measured: readonly Cell[],
  open: readonly Config[],
  threading: readonly ThreadChoice[],
  confidence: ProfileTable['confidence'],
): Pick<ProfileTable, 'cells' | 'prediction'> {
  if (open.length === 0) return { cells: [...measured] };
  const points = open.map((config) => ({ ...config, ...expectedThreading(config, threading, measured) }));
  const cells = [...measured, ...predictCells(measured, points, confidence)];
  return {
    cells: cells.sort(compareConfigs),
    prediction: { heldOut: heldOutError(measured, confidence.level) },
  };
}
