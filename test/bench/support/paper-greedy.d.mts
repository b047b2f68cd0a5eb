import type { StartDecision } from '../../../autoscaler/cluster/actions.ts';
import type { NodeCapacity } from '../../../autoscaler/cluster/node.ts';
import type { FunctionDemand } from '../../../autoscaler/planning/decision.ts';

export function paperGreedy(
  demands: readonly FunctionDemand[],
  nodes: readonly NodeCapacity[],
): StartDecision[];

export function efficiency(highPerSecond: number, price: number, freePrice: number): number;
