import { messageOf } from '../../../models/base/errors.ts';
import type { Cell } from '../../../profiles/table.ts';
import { type ServingSubject, servingMemory } from './serving-memory.ts';

type Serving = NonNullable<Cell['serving']>;

/** Memory of a serving process at some batches, smallest first. */
export type ServingPoints = readonly { readonly batch: number; readonly serving: Serving }[];

/**
 * Memory of serving processes at the smallest, a middle and the largest batch. It hardly depends on the
 * quota, and between batches it is a line.
 *
 * @param note hears why there is nothing, as a sentence
 */
export async function measureServing(
  subject: ServingSubject,
  batches: readonly number[],
  note: (text: string) => void,
  signal?: AbortSignal,
): Promise<ServingPoints> {
  const points: { batch: number; serving: Serving }[] = [];
  for (const batch of pointsAmong(batches)) {
    signal?.throwIfAborted();
    try {
      const serving = await servingMemory(subject, batch);
      if (serving === undefined) return [];
      points.push({ batch, serving });
    } catch (error) {
      note(`Memory of a serving process with batches of ${batch} is not known: ${messageOf(error)}.`);
    }
  }
  return points;
}

function pointsAmong(batches: readonly number[]): number[] {
  const sorted = [...new Set(batches)].sort((a, b) => a - b);
  if (sorted.length < 4) return sorted;
  return [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!];
}

/** A cell with what was found of its batch; shares of a GPU take more than was looked at. */
export function withServing(cell: Cell, points: ServingPoints): Cell {
  const serving = cell.gpuPercent > 0 ? undefined : servingAt(cell.batch, points);
  return serving === undefined ? cell : { ...cell, serving: { ...cell.serving, ...serving } };
}

/** Undefined for a batch beyond those that were looked at. */
export function servingAt(batch: number, points: ServingPoints): Serving | undefined {
  const above = points.findIndex((point) => point.batch >= batch);
  if (above < 0) return undefined;
  const to = points[above]!;
  const from = points[above - 1] ?? to;
  const share = to.batch === from.batch ? 1 : (batch - from.batch) / (to.batch - from.batch);
  const between = (a: number, b: number): number => Math.ceil(a + Math.max(0, b - a) * share);
  const { readyMemoryBytes: ready, ...rest } = to.serving;
  return {
    ...rest,
    peakMemoryBytes: between(from.serving.peakMemoryBytes, to.serving.peakMemoryBytes),
    ...(ready === undefined
      ? {}
      : { readyMemoryBytes: between(from.serving.readyMemoryBytes ?? ready, ready) }),
  };
}
