import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Action } from '../cluster/actions.ts';
import type { NodeCapacity } from '../cluster/node.ts';
import type { ClusterSnapshot } from '../cluster/snapshot.ts';
import type { Candidate } from '../latency/candidate.ts';
import { RATE_MODEL_NAMES } from '../planning/capacity/rate-models.ts';
import type { FunctionDecision, FunctionDemand, PlanInput, ScalingDecision } from '../planning/decision.ts';

export const JOURNAL_SCHEMA = 'infless.journal/v1';

/** Of what was rejected, what came closest. */
const MOST_REJECTED = 5;

/** What was decided for one function. What binds it is only known of those that change. */
export interface RecordedOutcome extends Omit<FunctionDecision, 'seen' | 'constraint' | 'rejected'> {
  readonly constraint?: FunctionDecision['constraint'];
  readonly rejected?: FunctionDecision['rejected'];
}

/** One decision with all that it was made of, so that it can be made again. */
export interface RecordedDecision {
  /** Unique among the journals of one folder. */
  readonly id: string;
  /** In ms since the epoch. */
  readonly atMs: number;
  /** The name of the rate model. */
  readonly rates: string;
  readonly demands: readonly FunctionDemand[];
  readonly cluster: ClusterSnapshot;
  readonly actions: readonly Action[];
  readonly functions: readonly RecordedOutcome[];
}

/** How many requests came in a while. */
export interface RecordedArrivals {
  /** When that ended, in ms since the epoch. */
  readonly atMs: number;
  readonly intervalMs: number;
  /** By function; none of one to which none came. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A line of it. */
export function arrivalsLine({ atMs, intervalMs, counts }: RecordedArrivals): string {
  return toJson({
    ...{ schema: JOURNAL_SCHEMA, type: 'arrivals', at: new Date(atMs).toISOString(), intervalMs },
    counts,
  });
}

/**
 * Writes decisions as lines. What recurs (the configs that a function may run in, the nodes) is a line of its
 * own, named by its digest, before the first decision that refers to it.
 */
export class JournalWriter {
  readonly #written = new Set<string>();
  /** Digests of objects that come again and again. */
  readonly #digests = new WeakMap<object, string>();

  /** Another file begins, in which nothing is written yet. */
  begin(): void {
    this.#written.clear();
  }

  /** Lines without their ends. */
  linesOf(
    id: string,
    { demands, cluster, rates }: PlanInput,
    decision: ScalingDecision,
    atMs: number,
  ): string[] {
    const lines: string[] = [];
    const refer = (value: object): string => {
      const digest = this.#digestOf(value);
      if (!this.#written.has(digest)) {
        this.#written.add(digest);
        lines.push(toJson({ schema: JOURNAL_SCHEMA, type: 'value', digest, value }));
      }
      return digest;
    };
    const { nodes, instances, leaving } = cluster;
    const changed = new Set(decision.actions.map(({ functionName }) => functionName));
    const line = {
      schema: JOURNAL_SCHEMA,
      type: 'decision',
      id,
      at: new Date(atMs).toISOString(),
      rates: rates.name,
      demands: demands.map(({ candidates, excluded = [], ...demand }) => ({
        ...demand,
        candidates: refer(candidates),
        excluded: refer(excluded),
      })),
      cluster: { nodes: refer(nodes), instances, leaving },
      actions: decision.actions,
      functions: decision.functions.map((each) => outcomeOf(each, changed.has(each.name))),
    };
    return [...lines, toJson(line)];
  }

  #digestOf(value: object): string {
    const known = this.#digests.get(value);
    if (known !== undefined) return known;
    const digest = createHash('sha256').update(toJson(value)).digest('hex').slice(0, 16);
    this.#digests.set(value, digest);
    return digest;
  }
}

/** The part of a decision that a replay is compared with. */
export function outcomeOf(decision: FunctionDecision, withReasons: boolean): RecordedOutcome {
  const { name, before, after, carriedPerSecond, plannedSloMs, target, targetPerSecond, shortage } = decision;
  return {
    ...{ name, before, after, carriedPerSecond, plannedSloMs, target, targetPerSecond },
    ...(shortage === undefined ? {} : { shortage }),
    ...(withReasons
      ? { constraint: decision.constraint, rejected: decision.rejected.slice(0, MOST_REJECTED) }
      : {}),
  };
}

const object = z.looseObject({});
const valueLine = z.object({ type: z.literal('value'), digest: z.string(), value: z.array(object) });
const decisionLine = z.object({
  type: z.literal('decision'),
  id: z.string(),
  at: z.iso.datetime(),
  rates: z.enum(RATE_MODEL_NAMES),
  demands: z.array(
    z.looseObject({
      name: z.string(),
      sloMs: z.number(),
      percentile: z.number(),
      ratePerSecond: z.number(),
      maxInstances: z.number(),
      candidates: z.string(),
      excluded: z.string(),
    }),
  ),
  cluster: z.object({ nodes: z.string(), instances: z.array(object), leaving: z.array(object) }),
  actions: z.array(z.looseObject({ functionName: z.string() })),
  functions: z.array(z.looseObject({ name: z.string() })),
});
const arrivalsRow = z.object({
  type: z.literal('arrivals'),
  at: z.iso.datetime(),
  intervalMs: z.number().positive(),
  counts: z.record(z.string(), z.number().nonnegative()),
});
const anyLine = z.discriminatedUnion('type', [valueLine, decisionLine, arrivalsRow]);

/** Reads lines back, in their order. What is no line of a journal, as one that was cut off, is left out. */
export class JournalReader {
  readonly #values = new Map<string, unknown>();
  readonly #arrivals: RecordedArrivals[] = [];
  #unreadable = 0;

  /** Lines that were none, or that refer to what is not there. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** What was read of requests, in its order. */
  get arrivals(): readonly RecordedArrivals[] {
    return this.#arrivals;
  }

  /** @returns undefined for a line that is no decision */
  read(line: string): RecordedDecision | undefined {
    const parsed = anyLine.safeParse(fromJson(line));
    if (!parsed.success) {
      this.#unreadable += 1;
      return undefined;
    }
    if (parsed.data.type === 'value') {
      this.#values.set(parsed.data.digest, parsed.data.value);
      return undefined;
    }
    if (parsed.data.type === 'arrivals') {
      const { intervalMs, counts } = parsed.data;
      this.#arrivals.push({ atMs: Date.parse(parsed.data.at), intervalMs, counts });
      return undefined;
    }
    const { at, demands, cluster, id, rates, actions, functions } = parsed.data;
    const referred = [
      cluster.nodes,
      ...demands.flatMap(({ candidates, excluded }) => [candidates, excluded]),
    ];
    if (referred.some((digest) => !this.#values.has(digest))) {
      this.#unreadable += 1;
      return undefined;
    }
    const value = <T>(digest: string): T => this.#values.get(digest) as T;
    return {
      ...{ id, rates, atMs: Date.parse(at) },
      demands: demands.map((demand) => ({
        ...demand,
        candidates: value<readonly Candidate[]>(demand.candidates),
        excluded: value(demand.excluded),
      })) as unknown as FunctionDemand[],
      cluster: {
        ...cluster,
        nodes: value<readonly NodeCapacity[]>(cluster.nodes),
      } as unknown as ClusterSnapshot,
      actions: actions as unknown as Action[],
      functions: functions as unknown as RecordedOutcome[],
    };
  }
}

/** What JSON cannot say: a rate or a memory without a limit. No name is written like this. */
const INFINITE = 'Infinity';

function toJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (each === Infinity ? INFINITE : each));
}

function fromJson(line: string): unknown {
  try {
    return JSON.parse(line, (_, each: unknown) => (each === INFINITE ? Infinity : each));
  } catch {
    return undefined;
  }
}
