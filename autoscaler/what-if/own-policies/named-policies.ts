import { InflessError } from '../../../models/base/errors.ts';
import type { System } from '../../simulation/systems/serving-system.ts';
import { systemByName } from '../../simulation/systems/systems.ts';
import { isPolicyFile, type OwnPolicyFile, policyFile } from './own-policy.ts';

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
