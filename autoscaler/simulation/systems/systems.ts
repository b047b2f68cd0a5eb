import { didYouMean } from '../../../models/base/command-line/nearest.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { batchSystem } from './batch-system.ts';
import { defaultSystem } from './default-system.ts';
import { inflessSystem } from './infless-system.ts';
import { knativeSystem } from './knative-system.ts';
import { openfaasSystem } from './openfaas-system.ts';
import type { System } from './serving-system.ts';

/** All policies, ours first. */
export const SYSTEMS: readonly System[] = [
  defaultSystem(),
  inflessSystem,
  batchSystem,
  openfaasSystem,
  knativeSystem,
];

/** @throws InflessError INVALID_INPUT that names those there are */
export function systemByName(name: string): System {
  const policy = SYSTEMS.find((each) => each.name === name);
  if (policy !== undefined) return policy;
  const names = SYSTEMS.map((each) => each.name);
  throw new InflessError('INVALID_INPUT', `There is no policy "${name}"`, {
    remedy: [didYouMean(name, names), `There are: ${names.join(', ')}.`].filter(Boolean).join(' '),
  });
}
