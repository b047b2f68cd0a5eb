import { InflessError } from '../../../models/base/errors.ts';
import type { Operator } from '../../../models/engines/tracing.ts';
import type { OperatorRun } from '../database/database.ts';

/** A model as the operators of a batch of any size. */
export interface ModelShape {
  readonly operatorsAt: (batch: number) => readonly Operator[];
  readonly tensorElementsAt: (batch: number) => number;
}

/** What is looked at of a run: never its times. */
export type ShapedRun = Pick<OperatorRun, 'batch' | 'tensorElements'> & {
  readonly operators: readonly { readonly operator: Operator }[];
};

/**
 * Shapes of a model under any batch, from those under two: every size of theirs is the same, or grows by as
 * much with each row.
 *
 * @param more of another batch; undefined for a model that takes no more than one row
 * @throws InflessError MODEL_UNSUPPORTED where other operators run for more rows
 */
export function modelShape(name: string, one: ShapedRun, more: ShapedRun | undefined): ModelShape {
  const isAlike =
    more === undefined ||
    (more.operators.length === one.operators.length &&
      one.operators.every(({ operator }, index) => operator.kind === more.operators[index]!.operator.kind));
  if (!isAlike) {
    throw new InflessError('MODEL_UNSUPPORTED', `What model ${name} computes depends on what it is given`, {
      remedy: 'Measure it without --predict.',
    });
  }
  const at = (batch: number, a: number, b: number): number =>
    more === undefined
      ? a
      : Math.max(0, Math.round(a + ((b - a) * (batch - one.batch)) / (more.batch - one.batch)));
  return {
    operatorsAt: (batch) =>
      one.operators.map(({ operator }, index) => {
        const { operator: other } = (more ?? one).operators[index]!;
        return {
          ...operator,
          inputs: shapesAt(operator.inputs, other.inputs, (a, b) => at(batch, a, b)),
          outputs: shapesAt(operator.outputs, other.outputs, (a, b) => at(batch, a, b)),
        };
      }),
    tensorElementsAt: (batch) => at(batch, one.tensorElements, (more ?? one).tensorElements),
  };
}

function shapesAt(
  shapes: readonly (readonly number[])[],
  others: readonly (readonly number[])[],
  at: (a: number, b: number) => number,
): number[][] {
  return shapes.map((shape, index) => shape.map((size, axis) => at(size, others[index]?.[axis] ?? size)));
}
