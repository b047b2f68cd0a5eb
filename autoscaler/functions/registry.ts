import { InflessError } from '../../models/base/errors.ts';
import type { Deployment } from './deployment.ts';
import type { Origin } from './function-store.ts';
import type { FunctionDeclaration } from './spec.ts';

/** A function as it was declared, and what was found for it. */
export interface Declared {
  readonly origin: Origin;
  readonly declaration: FunctionDeclaration;
  readonly deployment: Deployment;
  /** Default: when it replaces one, that one's, else now. */
  readonly createdAtMs?: number | undefined;
}

/** A declared function that runs. */
export interface DeployedFunction {
  readonly name: string;
  readonly origin: Origin;
  readonly declaration: FunctionDeclaration;
  /** When the first function of its name was declared, in ms since the epoch. */
  readonly createdAtMs: number;
}

/** Who runs what is declared. */
export interface FunctionHost {
  readonly functions: readonly DeployedFunction[];
  find(name: string): DeployedFunction | undefined;
  /** @throws InflessError where {@link deploy} would */
  requireDeployable(deployment: Deployment): void;
  /** Replaces the one of its name. */
  deploy(declared: Declared): DeployedFunction;
  remove(name: string): void;
}

/** A declared function that cannot run now, e.g. because its model file is gone. It stays declared. */
export interface BrokenFunction {
  readonly name: string;
  readonly origin: Origin;
  readonly declaration: FunctionDeclaration;
  /** Milliseconds since the epoch, where known. */
  readonly createdAtMs?: number | undefined;
  readonly reason: string;
}

/**
 * The declared functions, wherever they are kept: those that run, which the controller has, and those that
 * cannot.
 */
export interface FunctionRegistry {
  readonly broken: readonly BrokenFunction[];
  /**
   * Brings back what was declared before, and declares the functions of the file, if there is one. What
   * cannot be deployed is broken, and keeps no other from it.
   */
  open(fromFile: readonly FunctionDeclaration[] | undefined): Promise<void>;
  /**
   * Deploys a function or replaces the one of its name.
   *
   * @throws InflessError INVALID_INPUT, MODEL_*, IMAGE_*, PROFILE_*, SLO_INFEASIBLE: then nothing has
   * changed.
   */
  declare(declaration: unknown): Promise<DeployedFunction>;
  /** @throws InflessError FUNCTION_NOT_FOUND */
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Why nothing deployed has this name: there is no such function, or it is declared and cannot run. */
export function notServed(name: string, { broken }: Pick<FunctionRegistry, 'broken'>): InflessError {
  const reason = broken.find((each) => each.name === name)?.reason;
  if (reason === undefined) return functionNotFound(name);
  return new InflessError('UNAVAILABLE', `Function "${name}" cannot run: ${reason.replace(/\.$/, '')}`);
}

export function functionNotFound(name: string): InflessError {
  return new InflessError('FUNCTION_NOT_FOUND', `There is no function "${name}"`, {
    remedy: 'GET /api/functions lists those that are deployed.',
  });
}
