import { formatConfig } from '../../profiles/config.ts';
import type { Action } from '../cluster/actions.ts';
import type { ConfigCount, FunctionDecision, Rejection } from './decision.ts';

/**
 * What a decision changes for one function, in a line:
 * `web: 2 → 3 × b4 c0.5: 41/s forecast, 38/s carried; b4 c1 rejected: costs 1.4 ×`.
 *
 * @param actions those of this function
 */
export function changeText(decision: FunctionDecision, actions: readonly Action[]): string {
  const { name, before, after, seen, carriedPerSecond, shortage, constraint } = decision;
  const rates = `${rate(seen.ratePerSecond)} forecast, ${rate(carriedPerSecond)} carried`;
  const closest = decision.rejected.find(({ because }) => because === 'costlier');
  const rest = [
    ...remarks(actions),
    ...(closest === undefined ? [] : [rejectionText(closest)]),
    ...(shortage === undefined ? [] : [`short of ${rate(shortage.missingPerSecond)}: ${constraint}`]),
  ];
  return [`${name}: ${stepText(before, after)}: ${rates}`, ...rest].join('; ');
}

/** Why a config was not chosen: `b4 c1 rejected: costs 1.4 ×`. */
export function rejectionText({ config, because, figure }: Rejection): string {
  const times = short(figure);
  const why = {
    slo: `keeps no SLO below ${times} ms`,
    limits: `${times} × what its limits allow`,
    'no-node': figure === Infinity ? 'fits on no node' : `needs ${times} × the room there is`,
    costlier: `costs ${times} ×`,
  };
  return `${formatConfig(config)} rejected: ${why[because]}`;
}

/** `2 → 3 × b4 c0.5`, or both sets where the config is another. */
function stepText(before: readonly ConfigCount[], after: readonly ConfigCount[]): string {
  const configs = new Set([...before, ...after].map(({ config }) => formatConfig(config)));
  if (configs.size > 1) return `${setText(before)} → ${setText(after)}`;
  const count = (counts: readonly ConfigCount[]): number => counts[0]?.instances ?? 0;
  const [config] = configs;
  return `${count(before)} → ${count(after)}${config === undefined ? '' : ` × ${config}`}`;
}

function setText(counts: readonly ConfigCount[]): string {
  if (counts.length === 0) return '0';
  return counts.map(({ config, instances }) => `${instances} × ${formatConfig(config)}`).join(' + ');
}

/** What the numbers do not say by themselves. */
function remarks(actions: readonly Action[]): string[] {
  const count = (reason: Action['reason']): number => actions.filter((each) => each.reason === reason).length;
  const obsolete = count('obsolete');
  const others = new Set(actions.flatMap((each) => (each.type === 'stop' ? (each.makesRoomFor ?? []) : [])));
  return [
    ...(obsolete > 0 ? [`${obsolete} obsolete stopped`] : []),
    ...(others.size > 0 ? [`makes room for ${[...others].join(', ')}`] : []),
    ...(count('idle') > 0 ? ['idle'] : []),
    ...(count('keep-alive') > 0 ? ['kept warm'] : []),
    ...(count('replacement') > 0 ? ['replacement'] : []),
  ];
}

function rate(perSecond: number): string {
  return `${short(perSecond)}/s`;
}

/** Three digits are what a reader can use. */
function short(value: number): string {
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))}`;
}
