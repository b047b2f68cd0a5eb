import type { FunctionDemand, StartDecision } from '../../../autoscaler/plan/model.ts';
import type { NodeCapacity } from '../../../autoscaler/platforms/platform.ts';

export function paperGreedy(
  demands: readonly FunctionDemand[],
  nodes: readonly NodeCapacity[],
): StartDecision[];

export function efficiency(highPerSecond: number, price: number, freePrice: number): number;
