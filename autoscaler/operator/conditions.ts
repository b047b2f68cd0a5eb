import { type InflessError, messageOf } from '../../models/base/errors.ts';
import { type Shortage, shortageKind, shortageText } from '../planning/decision.ts';
import type { Condition, InferenceFunctionStatus } from './inference-function.ts';

/** A condition, but for when it began to hold. */
export type ConditionState = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Whether what the object says could be deployed. Where it could not, what was deployed before serves on. */
export function acceptedState(failure: InflessError | undefined): ConditionState {
  if (failure === undefined) return finding('Accepted', true, 'Deployed', 'It is deployed as declared.');
  return finding('Accepted', false, reasonOf(failure), messageOf(failure));
}

/**
 * Whether a request is answered. One to an idle function is, after a start.
 *
 * @param failure why not, where that is known
 */
export function readyState(
  phase: NonNullable<InferenceFunctionStatus['phase']>,
  failure: InflessError | string | undefined,
): ConditionState {
  const { holds, reason, message } = READINESS[phase];
  if (holds || failure === undefined) return finding('Ready', holds, reason, message);
  if (typeof failure === 'string') return finding('Ready', false, reason, failure);
  return finding('Ready', false, reasonOf(failure), messageOf(failure));
}

const READINESS = {
  Ready: { holds: true, reason: 'Serving', message: 'Instances are ready.' },
  Idle: { holds: true, reason: 'Idle', message: 'No instance runs; the next request starts one.' },
  Starting: { holds: false, reason: 'Starting', message: 'No instance is ready yet.' },
  Failing: { holds: false, reason: 'InstancesFail', message: 'Instances cannot start.' },
  Broken: { holds: false, reason: 'NotDeployed', message: 'It cannot be deployed.' },
} as const;

/**
 * Whether the cluster can carry what is asked for.
 *
 * @param shortage what it cannot
 * @param lateness that it can, but not within the SLO
 */
export function roomState(shortage: Shortage | undefined, lateness?: string): ConditionState {
  if (shortage === undefined && lateness !== undefined)
    return finding('Sufficient', false, 'SloNotKept', lateness);
  if (shortage === undefined)
    return finding('Sufficient', true, 'EnoughRoom', 'The cluster can carry the demand.');
  return finding('Sufficient', false, shortageKind(shortage), shortageText(shortage));
}

/** With the time since when each holds: that of before where it has not changed. */
export function conditionsOf(
  findings: readonly ConditionState[],
  before: readonly Condition[],
  observedGeneration: number,
  nowMs: number,
): Condition[] {
  return findings.map((found) => {
    const known = before.find(({ type }) => type === found.type);
    const isSame = known?.status === found.status;
    const lastTransitionTime = isSame ? known.lastTransitionTime : timeOf(nowMs);
    return { ...found, lastTransitionTime, observedGeneration };
  });
}

function finding(type: string, holds: boolean, reason: string, message: string): ConditionState {
  return { type, status: holds ? 'True' : 'False', reason, message };
}

/** `SLO_INFEASIBLE` as the API writes reasons: `SloInfeasible`. */
function reasonOf({ code }: InflessError): string {
  return code.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Without fractions of a second, as the API keeps times. */
function timeOf(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
