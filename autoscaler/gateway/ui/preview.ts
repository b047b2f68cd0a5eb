import { setImmediate as nextTurn } from 'node:timers/promises';
import { InflessError } from '../../../models/base/errors.ts';
import { eligibleNodes } from '../../cluster/eligible-nodes.ts';
import { placeableOn } from '../../cluster/resources.ts';
import type { Controller } from '../../control/controller.ts';
import { resolveDeployment } from '../../functions/deployment.ts';
import { parseFunctionSpec } from '../../functions/spec.ts';
import { ServiceTimes } from '../../latency/service-times.ts';
import type { FunctionDemand } from '../../planning/decision.ts';
import { changeText } from '../../planning/decision-text.ts';
import { type ExplanationReport, explanationReport } from '../../planning/explain/explanation-report.ts';

/** What would become of a declaration: the planner's answer. */
export interface Preview {
  readonly isNew: boolean;
  /** The decision in a line: from what to what. */
  readonly text: string;
  readonly warnings: readonly string[];
  readonly explanation: ExplanationReport;
}

/** What a new function is asked for, while nobody knows better. */
const FIRST_RATE = 1;

/**
 * What would be decided if a function were declared now, beside all others, of which nothing is done.
 *
 * @param declaration with a `ratePerSecond` beside it, where another rate is to be assumed than is seen
 * @throws InflessError as a declaration would: INVALID_INPUT, MODEL_*, PROFILE_*, SLO_INFEASIBLE
 */
export async function previewOf(body: unknown, controller: Controller): Promise<Preview> {
  const { declaration, rate } = parts(body);
  const spec = parseFunctionSpec(declaration, 'The function');
  const deployment = await resolveDeployment(spec);
  controller.requireDeployable(deployment);
  const { name, slo, percentile, scale, limits, nodeSelector } = spec;
  const times = new ServiceTimes(deployment.profile.table);
  const choice = { maxBatch: deployment.maxBatch, percentile, limits };
  const known = controller.find(name);
  const headroom = known?.headroom ?? 1;
  const asked = (seen: FunctionDemand | undefined): FunctionDemand => {
    const ratePerSecond = rate === undefined ? (seen?.ratePerSecond ?? FIRST_RATE) : rate * headroom;
    return {
      name,
      sloMs: slo,
      percentile,
      ratePerSecond,
      recentRatePerSecond: ratePerSecond,
      arrivalCv: seen?.arrivalCv ?? 1,
      minInstances: scale.min,
      warmInstances: Math.max(1, seen?.warmInstances ?? 1), // at least what the next request would get
      maxInstances: scale.max,
      weight: scale.weight,
      nodeSelector,
      candidates: times.candidates(choice),
      excluded: times.excluded(choice),
    };
  };
  const { decision, input } = await controller.considerDeclared(name, asked);
  const { seen } = decision;
  const placeable = placeableOn(eligibleNodes(input.cluster.nodes, nodeSelector).kinds, seen.candidates);
  const explanation = await explanationReport(
    {
      decision,
      candidates: placeable.length > 0 ? placeable : seen.candidates,
      slo: { sloMs: slo, percentile, arrivalCv: seen.arrivalCv },
      rates: input.rates,
      ratePerSecond: seen.ratePerSecond,
      expectedPerSecond: seen.ratePerSecond / headroom,
      fewest: Math.max(seen.minInstances, seen.warmInstances),
      times,
      running: input.cluster.instances.flatMap((each) => (each.functionName === name ? [each.config] : [])),
    },
    nextTurn,
  );
  return {
    isNew: known === undefined,
    text: changeText(decision, []),
    warnings: deployment.warnings,
    explanation,
  };
}

function parts(body: unknown): { readonly declaration: object; readonly rate: number | undefined } {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new InflessError('INVALID_INPUT', 'The function is not a JSON object');
  const { ratePerSecond: rate, ...declaration } = body as Readonly<Record<string, unknown>>;
  if (rate === undefined) return { declaration, rate };
  if (typeof rate === 'number' && rate > 0 && Number.isFinite(rate)) return { declaration, rate };
  throw new InflessError('INVALID_INPUT', '"ratePerSecond" is not a positive number');
}
