import type { Action, Reason } from '../cluster/actions.ts';
import type { FunctionDecision, ScalingDecision } from '../planning/decision.ts';

/** What was changed for one function, and why. */
export interface LoggedDecision {
  /** In ms since the epoch. */
  readonly atMs: number;
  /** Of what was rejected, what came closest. */
  readonly decision: FunctionDecision;
  /** Of this function. */
  readonly actions: readonly Action[];
}

/** How often functions were started and stopped instances for which reason. */
export interface ActionCount {
  readonly functionName: string;
  readonly type: Action['type'];
  readonly reason: Reason;
  readonly count: number;
}

/** Bounds what is kept. */
const MOST_DECISIONS = 4_000;
const MOST_REJECTED = 5;

/**
 * Keeps the latest decisions that changed something. What binds a function and what was rejected is worked
 * out here, for those that change; a decision that changes nothing is not kept.
 */
export class DecisionLog {
  readonly #most: number;
  /** The oldest first. */
  readonly #latest: LoggedDecision[] = [];
  readonly #counts = new Map<string, Map<Action['reason'], ActionCount>>();

  constructor(most = MOST_DECISIONS) {
    this.#most = most;
  }

  /** @returns what is new, one entry a function that changes */
  note({ functions, actions }: ScalingDecision, atMs: number): LoggedDecision[] {
    if (actions.length === 0) return [];
    const byFunction = new Map<string, Action[]>();
    for (const action of actions) {
      const own = byFunction.get(action.functionName);
      if (own === undefined) byFunction.set(action.functionName, [action]);
      else own.push(action);
      this.#count(action);
    }
    const entries = functions.flatMap((decision) => {
      const own = byFunction.get(decision.name);
      return own === undefined ? [] : { atMs, decision: kept(decision), actions: own };
    });
    this.#latest.push(...entries);
    if (this.#latest.length > this.#most) this.#latest.splice(0, this.#latest.length - this.#most);
    return entries;
  }

  /** The latest decisions about a function, the latest first. */
  of(functionName: string, most = this.#most): LoggedDecision[] {
    const found: LoggedDecision[] = [];
    for (let index = this.#latest.length - 1; index >= 0 && found.length < most; index -= 1) {
      const entry = this.#latest[index]!;
      if (entry.decision.name === functionName) found.push(entry);
    }
    return found;
  }

  /** Since this process began, of functions that are there. */
  get counts(): readonly ActionCount[] {
    return [...this.#counts.values()].flatMap((byReason) => [...byReason.values()]);
  }

  forget(functionName: string): void {
    this.#counts.delete(functionName);
  }

  #count({ functionName, type, reason }: Action): void {
    const byReason = this.#counts.get(functionName) ?? new Map<Reason, ActionCount>();
    const count = (byReason.get(reason)?.count ?? 0) + 1;
    this.#counts.set(functionName, byReason.set(reason, { functionName, type, reason, count }));
  }
}

/** Without what it was made of, which would be kept as long. */
function kept(decision: FunctionDecision): FunctionDecision {
  const { rejected, constraint } = decision;
  return { ...decision, constraint, rejected: rejected.slice(0, MOST_REJECTED) };
}
