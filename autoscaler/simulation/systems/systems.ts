import { didYouMean } from '../../../models/base/command-line/nearest.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { batchPolicy } from './batch-system.ts';
import { defaultPolicy } from './default-system.ts';
import { inflessPolicy } from './infless-system.ts';
import { knativePolicy } from './knative-system.ts';
import { openfaasPolicy } from './openfaas-system.ts';
import type { Policy } from './serving-system.ts';

/** All policies, ours first. */
export const POLICIES: readonly Policy[] = [
  defaultPolicy(),
  inflessPolicy,
  batchPolicy,
  openfaasPolicy,
  knativePolicy,
];

/** @throws InflessError INVALID_INPUT that names those there are */
export function policyByName(name: string): Policy {
  const policy = POLICIES.find((each) => each.name === name);
  if (policy !== undefined) return policy;
  const names = POLICIES.map((each) => each.name);
  throw new InflessError('INVALID_INPUT', `There is no policy "${name}"`, {
    remedy: [didYouMean(name, names), `There are: ${names.join(', ')}.`].filter(Boolean).join(' '),
  });
}
