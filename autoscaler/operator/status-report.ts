import { formatConfig } from '../../profiles/config.ts';
import type { Instance } from '../cluster/instance.ts';
import type { LatencySummary } from '../latency/latency-window.ts';
import { type Shortage, shortageText } from '../planning/decision.ts';
import { acceptedState, type ConditionState, readyState, roomState } from './conditions.ts';
import type { ReconcileResult } from './function-reconciler.ts';
import { FUNCTION_LABEL, type InferenceFunctionStatus } from './inference-function.ts';

/** What a status is made from, at one moment. */
export interface FunctionFacts {
  readonly name: string;
  readonly outcome: ReconcileResult;
  /** What runs; undefined for a function that cannot run. */
  readonly running?: {
    readonly instances: readonly Instance[];
    /** Why instances cannot start. */
    readonly startFailure: string | undefined;
    /** What the cluster has no place for. */
    readonly shortage: Shortage | undefined;
    /** That no config keeps its SLO for now, in sentences. */
    readonly lateness?: string | undefined;
  };
}

/** What changes all the time under load. */
export interface FunctionFigures {
  readonly ratePerSecond: number;
  readonly latest: LatencySummary | undefined;
}

type Phase = NonNullable<InferenceFunctionStatus['phase']>;
type StateFields = Required<
  Pick<InferenceFunctionStatus, 'observedGeneration' | 'phase' | 'replicas' | 'readyReplicas' | 'selector'>
>;

/** How a function stands, but for its figures; conditions come without the time since when they hold. */
export function stateOf(facts: FunctionFacts): {
  readonly fields: StateFields & Pick<InferenceFunctionStatus, 'instances'>;
  readonly findings: readonly ConditionState[];
} {
  const { name, outcome, running } = facts;
  const instances = running?.instances ?? [];
  const phase = phaseOf(facts);
  const count = (wanted: Instance['phase']): number =>
    instances.filter((each) => each.phase === wanted).length;
  return {
    fields: {
      observedGeneration: outcome.generation,
      phase,
      replicas: count('ready') + count('starting'),
      readyReplicas: count('ready'),
      selector: `${FUNCTION_LABEL}=${name}`,
      instances: byConfig(instances),
    },
    findings: [
      acceptedState(outcome.failure),
      readyState(phase, running === undefined ? outcome.failure : obstacleOf(running)),
      ...(running === undefined ? [] : [roomState(running.shortage, running.lateness)]),
    ],
  };
}

/** Rounded to what a reader can use: what moves by chance alone must not be written again and again. */
export function figuresOf({ ratePerSecond, latest }: FunctionFigures): InferenceFunctionStatus {
  return {
    ratePerSecond: rounded(ratePerSecond, 2),
    ...(latest === undefined
      ? {}
      : {
          ...(Number.isFinite(latest.p50Ms) ? { p50: milliseconds(latest.p50Ms) } : {}),
          ...(Number.isFinite(latest.p99Ms) ? { p99: milliseconds(latest.p99Ms) } : {}),
          // Down, so that 100 means all of them.
          sloAttainmentPercent: Math.floor(latest.attainment * 1000) / 10,
        }),
  };
}

function phaseOf({ running }: FunctionFacts): Phase {
  if (running === undefined) return 'Broken';
  if (running.instances.some(({ phase }) => phase === 'ready')) return 'Ready';
  if (running.startFailure !== undefined) return 'Failing';
  if (running.instances.some(({ phase }) => phase === 'starting')) return 'Starting';
  return running.shortage === undefined ? 'Idle' : 'Failing';
}

/** Why no instance is ready, where that is known: those that start fail, or there is no place for any. */
function obstacleOf({ startFailure, shortage }: NonNullable<FunctionFacts['running']>): string | undefined {
  return startFailure ?? (shortage === undefined ? undefined : shortageText(shortage));
}

function byConfig(instances: readonly Instance[]): NonNullable<InferenceFunctionStatus['instances']> {
  const counts = new Map<string, { ready: number; starting: number; draining: number }>();
  for (const { config, phase } of instances) {
    const text = formatConfig(config);
    const count = counts.get(text) ?? { ready: 0, starting: 0, draining: 0 };
    count[phase] += 1;
    counts.set(text, count);
  }
  return [...counts]
    .map(([config, count]) => ({ config, ...count }))
    .sort((a, b) => (a.config < b.config ? -1 : 1));
}

function milliseconds(durationMs: number): string {
  return `${rounded(durationMs, 3)}ms`;
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}
