import { InflessError } from '../../models/base/errors.ts';
import { batchPolicy } from './batch-policy.ts';
import { defaultPolicy } from './default-policy.ts';
import { inflessPolicy } from './infless-policy.ts';
import { knativePolicy } from './knative-policy.ts';
import { openfaasPolicy } from './openfaas-policy.ts';
import type { Policy } from './policy.ts';

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
  throw new InflessError('INVALID_INPUT', `There is no policy "${name}"`, {
    remedy: `There are: ${POLICIES.map((each) => each.name).join(', ')}.`,
  });
}
