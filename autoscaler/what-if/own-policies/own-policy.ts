import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import type { KeepAlivePolicy } from '../../demand/keepalive/policy.ts';
import { defaultSystem } from '../../simulation/systems/default-system.ts';
import type { ServingParts, ServingSystem, System } from '../../simulation/systems/serving-system.ts';
import { systemByName } from '../../simulation/systems/systems.ts';
import { checkedPlanner, guarded, type OwnPlanner } from './own-planner.ts';

export type { Action, StartAction, StopAction } from '../../cluster/actions.ts';
export type { ClusterSnapshot } from '../../cluster/snapshot.ts';
export type { FunctionDemand, PlanInput } from '../../planning/decision.ts';
export type { KeepAlivePolicy, OwnPlanner, ServingParts, ServingSystem };

/** Of one function, what a keep-alive policy is made from. */
export interface KeepAliveOptions {
  readonly functionName: string;
  /** The idle time that its owner declares: what a cold start is worth to them. */
  readonly keepAliveMs: number;
}

export type OwnKeepAlive = (options: KeepAliveOptions) => KeepAlivePolicy;

export type OwnSystem = (parts: ServingParts) => ServingSystem;

/**
 * What a file given to `plan --policies` exports: one of these three. The others stay ours: a planner works
 * with our dispatcher, a keep-alive policy with our planner as well.
 */
export interface OwnPolicyModule {
  readonly planner?: OwnPlanner;
  readonly keepAlive?: OwnKeepAlive;
  readonly system?: OwnSystem;
  /** One line for the report. */
  readonly description?: string;
}

/** A policy in a file of the user's. */
export interface OwnPolicyFile {
  /** The file's name without its ending. */
  readonly name: string;
  /** As it was given. */
  readonly file: string;
}

const ENDINGS = ['.mjs', '.js'];

/** Whether it names a file rather than one of our policies. */
export function isPolicyFile(given: string): boolean {
  return /[/\\]/.test(given) || ENDINGS.includes(extname(given));
}

export function policyFile(file: string): OwnPolicyFile {
  return { name: basename(file, extname(file)), file };
}

/**
 * Reads names of ours, and of files, with commas between, each once.
 *
 * @throws InflessError INVALID_INPUT
 */
export function parsePolicies(given: string): (System | OwnPolicyFile)[] {
  const names = [...new Set(given.split(',').map((name) => name.trim()))];
  const policies = names.map((name) => (isPolicyFile(name) ? policyFile(name) : systemByName(name)));
  const twice = policies.find(({ name }, index) => policies.findIndex((each) => each.name === name) < index);
  if (twice === undefined) return policies;
  throw new InflessError('INVALID_INPUT', `Two of the policies are named "${twice.name}"`, {
    remedy: 'A file is known by its name without the ending: give it another.',
  });
}

/**
 * Loads the policy of a file.
 *
 * @param onFailure told when its code throws where no one else would notice: the control loop goes on after a
 * failed step
 * @throws InflessError INVALID_INPUT that says in one sentence why it cannot be used
 */
export async function loadOwnPolicy(
  { name, file }: OwnPolicyFile,
  onFailure: (error: Error) => void,
): Promise<System> {
  const module = await load(file);
  const { planner, keepAlive, system, description } = module;
  const made = [planner, keepAlive, system].filter((each) => each !== undefined);
  if (made.length !== 1 || typeof made[0] !== 'function') {
    const what = made.length > 1 ? 'more than one of' : 'no function named';
    throw new InflessError('INVALID_INPUT', `it exports ${what} planner, keepAlive or system`);
  }
  const about = { name, description: typeof description === 'string' ? description : `yours: ${file}` };
  if (system !== undefined) return { ...about, create: (parts) => checkedSystem(system(parts)) };
  if (planner !== undefined) {
    // Which functions need no plan is known of our planner only.
    return defaultSystem({ ...about, planner: checkedPlanner(planner, onFailure), scope: 'all' });
  }
  return defaultSystem({
    ...about,
    createKeepAlive: (functionName, _, keepAliveMs) =>
      checkedKeepAlive(() => keepAlive!({ functionName, keepAliveMs }), onFailure),
  });
}

async function load(file: string): Promise<OwnPolicyModule> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as OwnPolicyModule;
  } catch (error) {
    throw new InflessError('INVALID_INPUT', `it cannot be loaded (${messageOf(error)})`);
  }
}

function checkedSystem(system: ServingSystem): ServingSystem {
  if (typeof system?.open === 'function' && typeof system.submit === 'function') return system;
  throw new InflessError('INVALID_INPUT', 'its system returns no object with open() and submit()');
}

/** A keep-alive policy of the user's whose answers are looked at before they are believed. */
function checkedKeepAlive(create: () => KeepAlivePolicy, onFailure: (error: Error) => void): KeepAlivePolicy {
  const policy = guarded('keepAlive', onFailure, create);
  return {
    idleBegan: (nowMs, startupMs) =>
      guarded('idleBegan', onFailure, () => {
        const window = policy.idleBegan(nowMs, startupMs);
        const { prewarmMs, keepAliveMs } = window;
        if (prewarmMs >= 0 && keepAliveMs >= prewarmMs) return window;
        throw new Error(
          `returned ${JSON.stringify(window)}, not { prewarmMs, keepAliveMs } with 0 ≤ prewarmMs ≤ keepAliveMs`,
        );
      }),
    idleEnded: (idleMs, nowMs) => guarded('idleEnded', onFailure, () => policy.idleEnded?.(idleMs, nowMs)),
  };
}
