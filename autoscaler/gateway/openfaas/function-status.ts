import type { Controller } from '../../control/controller.ts';
import type { FunctionRegistry } from '../../functions/registry.ts';
import type { FunctionDeclaration } from '../../functions/spec.ts';
import { shortageText } from '../../planning/decision.ts';
import { type DeployedFunction, deployedFunction, REASON_ANNOTATION } from './deployment.ts';
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
  readonly createdAt?: string;
  readonly usage?: FunctionUsage;
}

/** A declared function, whether it runs or cannot. */
export interface Declared {
  readonly declaration: FunctionDeclaration;
  readonly createdAtMs?: number | undefined;
}

export interface StatusSources {
  readonly controller: Controller;
  readonly registry: Pick<FunctionRegistry, 'broken'>;
  readonly namespace: string;
  readonly metrics: { invocationsOf(name: string): number };
}

export function declaredFunctions({ controller, registry }: StatusSources): readonly Declared[] {
  return [...controller.functions, ...registry.broken];
}

export function declaredFunction(name: string, sources: StatusSources): Declared | undefined {
  return declaredFunctions(sources).find(({ declaration }) => declaration.name === name);
}

export function openFaasStatus(
  { declaration, createdAtMs }: Declared,
  sources: StatusSources,
): OpenFaasStatus {
  const { name } = declaration;
  const instances = sources.controller.instancesOf(name).filter(({ phase }) => phase !== 'draining');
  const available = instances.filter(({ phase }) => phase === 'ready').length;
  const deployed = deployedFunction(declaration);
  const why = available > 0 ? undefined : reasonOf(name, sources);
  return {
    name,
    namespace: sources.namespace,
    ...deployed,
    ...(why === undefined ? {} : { annotations: { ...deployed.annotations, [REASON_ANNOTATION]: why } }),
    invocationCount: sources.metrics.invocationsOf(name),
    replicas: instances.length,
    availableReplicas: available,
    ...(createdAtMs === undefined ? {} : { createdAt: new Date(createdAtMs).toISOString() }),
  };
}

/** What keeps a function from running, where anything does. */
function reasonOf(name: string, { controller, registry }: StatusSources): string | undefined {
  const failure = controller.find(name)?.backoff.reason;
  const shortage = controller.shortageOf(name);
  const short = shortage === undefined ? undefined : shortageText(shortage);
  return failure ?? short ?? registry.broken.find((each) => each.name === name)?.reason;
}
