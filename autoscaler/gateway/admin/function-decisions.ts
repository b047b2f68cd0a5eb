import { type Config, formatConfig } from '../../../profiles/config.ts';
import type { Controller } from '../../control/controller.ts';
import type { LoggedDecision } from '../../control/decision-log.ts';
import type { ConfigCount, Constraint, Rejection, Shortage } from '../../planning/decision.ts';
import { changeText } from '../../planning/decision-text.ts';

/** One decision that changed something for a function: `GET /api/functions/NAME/decisions`. */
export interface DecisionReport {
  readonly at: string;
  /** As the log has it. */
  readonly text: string;
  readonly actions: readonly {
    readonly type: string;
    readonly reason: string;
    readonly configText: string;
  }[];
  /** What capacity was to be there for, with headroom, and what there was. In requests per second. */
  readonly forecastPerSecond: number;
  readonly carriedPerSecond: number;
  readonly before: readonly SetPart[];
  readonly after: readonly SetPart[];
  readonly target: readonly SetPart[];
  readonly constraint: Constraint;
  readonly shortage: Shortage | null;
  /** What came closest to being chosen. A figure of null: more than any number. */
  readonly rejected: readonly (Omit<Rejection, 'figure'> & {
    readonly configText: string;
    readonly figure: number | null;
  })[];
}

interface SetPart {
  readonly instances: number;
  readonly config: Config;
  readonly configText: string;
}

/** More would be more than a reader can use. */
const MOST = 100;

/** The latest that this autoscaler has decided for a function, the latest first. */
export function decisionsOf(name: string, controller: Controller): { readonly decisions: DecisionReport[] } {
  return { decisions: controller.decisionsOf(name, MOST).map(report) };
}

function report({ atMs, decision, actions }: LoggedDecision): DecisionReport {
  const { seen, carriedPerSecond, before, after, target, constraint, shortage, rejected } = decision;
  return {
    at: new Date(atMs).toISOString(),
    text: changeText(decision, actions),
    actions: actions.map(({ type, reason, config }) => ({ type, reason, configText: formatConfig(config) })),
    forecastPerSecond: seen.ratePerSecond,
    carriedPerSecond,
    before: before.map(part),
    after: after.map(part),
    target: target.map(part),
    constraint,
    shortage: shortage ?? null,
    rejected: rejected.map(({ config, because, figure }) => ({
      config,
      configText: formatConfig(config),
      because,
      figure: Number.isFinite(figure) ? figure : null,
    })),
  };
}

function part({ config, instances }: ConfigCount): SetPart {
  return { instances, config, configText: formatConfig(config) };
}
