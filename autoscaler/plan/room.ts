import type { FunctionPool, Member } from './function-pool.ts';
import type { Candidate } from './model.ts';
import type { NodeLedger } from './node-ledger.ts';

interface Victim {
  readonly pool: FunctionPool;
  readonly member: Member;
}

interface Clearing {
  readonly candidate: Candidate;
  readonly victims: readonly Victim[];
}

/**
 * What to stop so that a function for which no node has room can start an instance: its own dead weight or, when it
 * has nothing else, what others can spare. Nothing while the room is on its way already, or where no stop would help.
 *
 * @param coming the nodes as they will be when what is leaving has left; what is decided here is booked in it
 */
export function makeRoom(
  pool: FunctionPool,
  pools: readonly FunctionPool[],
  coming: NodeLedger,
): readonly Victim[] {
  if (pool.useful.some(({ ready }) => !ready)) return []; // one after the other: the rest serves meanwhile
  const candidates = pool.feasible;
  for (const candidate of candidates) {
    const spot = coming.bestFit(candidate);
    if (spot === undefined) continue;
    coming.occupy({ ...spot, ...held(candidate) });
    return [];
  }
  const own = pool.deadWeight.map((member) => ({ pool, member }));
  const clearing =
    cheapestClearing(candidates, own, coming) ??
    (isStarving(pool) ? cheapestClearing(candidates, [...own, ...spareOf(pools, pool)], coming) : undefined);
  if (clearing === undefined) return [];
  for (const { pool: owner, member } of clearing.victims) {
    coming.vacate(member);
    owner.remove(member);
  }
  coming.occupy({ ...coming.bestFit(clearing.candidate)!, ...held(clearing.candidate) });
  return clearing.victims;
}

/** Requests come, and nothing runs or starts that could answer them in time. */
function isStarving(pool: FunctionPool): boolean {
  return pool.useful.length === 0 && pool.demand.ratePerSecond > 0;
}

/** Ready instances that others can do without: their dead weight first, then the dearest. */
function spareOf(pools: readonly FunctionPool[], starving: FunctionPool): Victim[] {
  return pools
    .filter((pool) => pool !== starving)
    .flatMap((pool) => {
      const useful = pool.useful.filter(({ ready }) => ready).toSorted((a, b) => b.price - a.price);
      const spare = [...pool.deadWeight, ...useful.slice(0, Math.max(0, pool.spare))];
      return spare.map((member) => ({ pool, member }));
    })
    .toSorted((a, b) => b.member.price - a.member.price);
}

/** Fewest victims on one node that make room for one of the candidates. */
function cheapestClearing(
  candidates: readonly Candidate[],
  victims: readonly Victim[],
  coming: NodeLedger,
): Clearing | undefined {
  let best: Clearing | undefined;
  for (const node of new Set(victims.map(({ member }) => member.node))) {
    const onNode = victims.filter(({ member }) => member.node === node);
    const trial = coming.copy();
    const stopped: Victim[] = [];
    for (const victim of onNode) {
      if (best !== undefined && stopped.length + 1 >= best.victims.length) break;
      trial.vacate(victim.member);
      stopped.push(victim);
      const candidate = candidates.find((each) => trial.hasRoom(node, each));
      if (candidate === undefined) continue;
      best = { candidate, victims: stopped };
      break;
    }
  }
  return best;
}

function held({ config, memoryBytes }: Candidate): Pick<Member, 'config' | 'memoryBytes'> {
  return { config, memoryBytes };
}
