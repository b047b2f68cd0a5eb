import { formatDuration } from '../../models/base/units.ts';
import { formatConfig } from '../../profiles/config.ts';
import { rateModelByName } from '../planning/capacity/rate-models.ts';
import type { ConfigCount, FunctionDecision, FunctionDemand } from '../planning/decision.ts';
import { shortageText } from '../planning/decision.ts';
import { changeText, rejectionText } from '../planning/decision-text.ts';
import { explain } from '../planning/explain/explain.ts';
import { planCluster } from '../planning/planner.ts';
import type { RecordedDecision, RecordedOutcome } from './journal-line.ts';

/** `2 × b4 c1 + 1 × b1 c0.5`, or `nothing`. */
export function countsText(counts: readonly ConfigCount[]): string {
  if (counts.length === 0) return 'nothing';
  return counts.map(({ config, instances }) => `${instances} × ${formatConfig(config)}`).join(' + ');
}

/** What a recorded decision changed, a line a function. */
export function decisionLines(recorded: RecordedDecision): string[] {
  const changed = recorded.functions.filter(({ constraint, shortage }) => constraint ?? shortage);
  return changed.map((outcome) => {
    const actions = recorded.actions.filter(({ functionName }) => functionName === outcome.name);
    return `${timeText(recorded.atMs)} ${recorded.id} ${changeText(decisionOf(recorded, outcome), actions)}`;
  });
}

/** All that is known of a recorded decision about one function, for a person. */
export function explainRecorded(recorded: RecordedDecision, outcome: RecordedOutcome): string {
  const { seen } = decisionOf(recorded, outcome);
  const { constraint, rejected = [], shortage } = outcome;
  const reasons = [
    ...new Set(
      recorded.actions.flatMap(({ functionName, type, reason }) =>
        functionName === outcome.name ? `${type} (${reason})` : [],
      ),
    ),
  ];
  const rows: [string, string][] = [
    ['decision', `${recorded.id}, ${new Date(recorded.atMs).toISOString()}`],
    ['change', `${countsText(outcome.before)} → ${countsText(outcome.after)}`],
    ['reasons', reasons.length === 0 ? 'nothing was started or stopped' : reasons.join(', ')],
    ['forecast', `${seen.ratePerSecond.toPrecision(3)} requests/s with headroom`],
    ['carried', `${outcome.carriedPerSecond.toPrecision(3)} requests/s before`],
    ['SLO', `${formatDuration(outcome.plannedSloMs)} at p${seen.percentile}`],
    ['target', countsText(outcome.target)],
    ...(constraint === undefined ? [] : ([['binding', constraint]] as [string, string][])),
    ...whyRows(recorded, outcome),
    ...(shortage === undefined ? [] : ([['short', shortageText(shortage)]] as [string, string][])),
    ...rejected.map((each): [string, string] => ['rejected', rejectionText(each)]),
  ];
  return `${outcome.name}\n\n${rows.map(([label, text]) => `  ${label.padEnd(11)}${text}`).join('\n')}\n`;
}

/** The binding constraint in a sentence, and what a looser SLO would have saved: worked out anew. */
function whyRows(recorded: RecordedDecision, { name }: RecordedOutcome): [string, string][] {
  const { demands, cluster } = recorded;
  const rates = rateModelByName(recorded.rates);
  const decision = planCluster({ demands, cluster, rates }).functions.find((each) => each.name === name)!;
  const { seen, plannedSloMs } = decision;
  try {
    const { why, looser } = explain({
      decision,
      candidates: seen.candidates,
      slo: { sloMs: plannedSloMs, percentile: seen.percentile, arrivalCv: seen.arrivalCv },
      rates,
      ratePerSecond: seen.ratePerSecond,
      fewest: Math.max(seen.minInstances, seen.warmInstances),
    });
    const saving: [string, string][] =
      looser === undefined ? [] : [['looser SLO', `${formatDuration(looser.sloMs)} would have cost less`]];
    return [['why', why], ...saving];
  } catch {
    return []; // no config keeps its SLO: the shortage says so
  }
}

function decisionOf(recorded: RecordedDecision, outcome: RecordedOutcome): FunctionDecision {
  const seen = recorded.demands.find(({ name }) => name === outcome.name) as FunctionDemand;
  return { ...outcome, seen, constraint: outcome.constraint ?? 'none', rejected: outcome.rejected ?? [] };
}

/** Of today the time alone. */
function timeText(atMs: number): string {
  const at = new Date(atMs);
  const time = at.toTimeString().slice(0, 8);
  return at.toDateString() === new Date().toDateString() ? time : `${at.toISOString().slice(0, 10)} ${time}`;
}

const CLOCK_TIME = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;

/**
 * The moment that a person means: `12:03` is the latest one that has passed, by the clock of this machine;
 * anything else is a date as ISO 8601 has it.
 *
 * @returns the end of that minute or second, in ms since the epoch; undefined for what is no time
 */
export function parseMoment(text: string, nowMs: number): number | undefined {
  const match = CLOCK_TIME.exec(text);
  if (match === null) {
    const parsed = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(parsed) ? undefined : parsed;
  }
  const [hours, minutes, seconds] = match.slice(1).map((part) => (part === undefined ? 59 : Number(part)));
  if (hours! > 23 || minutes! > 59 || seconds! > 59) return undefined;
  const at = new Date(nowMs);
  at.setHours(hours!, minutes, seconds, 999);
  const isMinute = match[3] === undefined;
  const beganMs = at.getTime() - (isMinute ? 59_999 : 999);
  if (beganMs > nowMs) at.setDate(at.getDate() - 1);
  return at.getTime();
}
