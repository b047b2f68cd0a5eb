import { didYouMean } from '../../../models/base/command-line/nearest.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { KEEP_ALIVE_POLICIES, type KeepAlivePolicyName } from '../../demand/keepalive/policies.ts';
import { batchSystem } from './batch-system.ts';
import { ablatedDefault, defaultSystem } from './default-system.ts';
import { inflessSystem } from './infless-system.ts';
import { knativeSystem } from './knative-system.ts';
import { openfaasSystem } from './openfaas-system.ts';
import type { System } from './serving-system.ts';

/** All policies, ours first. */
export const SYSTEMS: readonly System[] = [
  defaultSystem(),
  inflessSystem(),
  batchSystem(),
  openfaasSystem(),
  knativeSystem(),
];

/** What can be chosen apart from the rest of a policy: `infless+fixed`, `default+no-queue+no-market`. */
interface Variation {
  readonly keepAlive: KeepAlivePolicyName | undefined;
  has(name: string): boolean;
}

interface Family {
  /** Its variations beside the keep-alive policies, which all have. */
  readonly variations: readonly string[];
  create(variation: Variation): System;
}

const NO_BATCHING = 'no-batching';

const FAMILIES: Readonly<Record<string, Family>> = {
  default: {
    variations: ['no-queue', 'no-market', 'no-percentiles', 'uniform', NO_BATCHING],
    create: ({ keepAlive, has }) =>
      ablatedDefault({
        keepAlive,
        queue: !has('no-queue'),
        market: !has('no-market'),
        percentiles: !has('no-percentiles'),
        mixed: !has('uniform'),
      }),
  },
  infless: { variations: [NO_BATCHING], create: inflessSystem },
  batch: { variations: [NO_BATCHING], create: batchSystem },
  openfaas: {
    variations: ['batching'],
    create: ({ keepAlive, has }) => openfaasSystem({ keepAlive, batching: has('batching') }),
  },
  knative: {
    variations: ['batching'],
    create: ({ keepAlive, has }) => knativeSystem({ keepAlive, batching: has('batching') }),
  },
};

/**
 * A policy of ours by its name, or a variation of one: `NAME+VARIATION…`.
 *
 * @throws InflessError INVALID_INPUT that names those there are
 */
export function systemByName(given: string): System {
  const [name, ...variations] = given.split('+').map((part) => part.trim());
  const family = FAMILIES[name!];
  if (family === undefined) {
    const names = SYSTEMS.map((each) => each.name);
    throw new InflessError('INVALID_INPUT', `There is no policy "${name}"`, {
      remedy: [didYouMean(name!, names), `There are: ${names.join(', ')}.`].filter(Boolean).join(' '),
    });
  }
  if (variations.length === 0) return SYSTEMS.find((each) => each.name === name)!;
  return variationOf(name!, family, variations);
}

function variationOf(name: string, family: Family, variations: readonly string[]): System {
  const known = [...KEEP_ALIVE_POLICIES, ...family.variations];
  const unknown = variations.find((each) => !known.includes(each));
  if (unknown !== undefined) {
    throw new InflessError('INVALID_INPUT', `Policy "${name}" has no variation "${unknown}"`, {
      remedy: [didYouMean(unknown, known), `It has: ${known.join(', ')}.`].filter(Boolean).join(' '),
    });
  }
  const keepAlives = KEEP_ALIVE_POLICIES.filter((each) => variations.includes(each));
  if (keepAlives.length > 1) {
    throw new InflessError(
      'INVALID_INPUT',
      `Policy "${name}" is to keep instances alive by ${keepAlives.join(' and by ')}`,
      { remedy: 'Choose one of them.' },
    );
  }
  const has = (each: string): boolean => variations.includes(each);
  const system = family.create({ keepAlive: keepAlives[0], has });
  return {
    name: [name, ...variations].join('+'),
    description: `${system.description}; varied: ${variations.join(', ')}`,
    create: (parts) => system.create(has(NO_BATCHING) ? withoutBatches(parts) : parts),
  };
}

function withoutBatches<T extends Parameters<System['create']>[0]>(parts: T): T {
  return { ...parts, functions: parts.functions.map((deployment) => ({ ...deployment, maxBatch: 1 })) };
}
