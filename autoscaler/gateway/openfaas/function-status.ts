import type { Controller } from '../../control/controller.ts';
import type { FunctionRegistry } from '../../control/function-registry.ts';
import type { FunctionDeclaration } from '../../functions/spec.ts';
import { type DeployedFunction, deployedFunction } from './deployment.ts';
import type { FunctionUsage } from './usage-meter.ts';

/** OpenFaaS' FunctionStatus. */
export interface OpenFaasStatus extends DeployedFunction {
  readonly name: string;
  readonly namespace: string;
  readonly invocationCount: number;
  /** Instances that there are or soon will be. */
  readonly replicas: number;
  /** Instances that are ready. */
  readonly availableReplicas: number;
  readonly usage?: FunctionUsage;
}

export interface StatusSources {
  readonly controller: Controller;
  readonly registry: FunctionRegistry;
  readonly namespace: string;
  readonly metrics: { invocationsOf(name: string): number };
}

/** All that are declared: those that run, and those that cannot. */
export function declaredFunctions({ controller, registry }: StatusSources): readonly FunctionDeclaration[] {
  return [...controller.functions, ...registry.broken].map(({ declaration }) => declaration);
}

export function openFaasStatus(declaration: FunctionDeclaration, sources: StatusSources): OpenFaasStatus {
  const { name } = declaration;
  const instances = sources.controller.instancesOf(name).filter(({ phase }) => phase !== 'draining');
  return {
    name,
    namespace: sources.namespace,
    ...deployedFunction(declaration),
    invocationCount: sources.metrics.invocationsOf(name),
    replicas: instances.length,
    availableReplicas: instances.filter(({ phase }) => phase === 'ready').length,
  };
}
