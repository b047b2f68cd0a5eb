import { setTimeout as sleep } from 'node:timers/promises';
import { onInterrupt } from '../../models/base/command-line/interrupt.ts';
import {
  argument,
  defineProgram,
  option,
  repeatable,
  toggle,
} from '../../models/base/command-line/option-table.ts';
import { decimal, file, oneOf, text, wholeNumber } from '../../models/base/command-line/parsers.ts';
import { InflessError } from '../../models/base/errors.ts';
import { stateDirectory } from '../../models/base/files.ts';
import { formatDuration, parseCpuMillicores, parseDurationMs } from '../../models/base/units.ts';
import { RATE_MODEL_NAMES } from '../planning/capacity/rate-models.ts';
import { journalFolder } from './journal.ts';
import type { RecordedDecision, RecordedOutcome } from './journal-line.ts';
import { countsText, decisionLines, explainRecorded, parseMoment } from './journal-text.ts';
import { readJournal } from './read-journal.ts';
import { type ReplayChange, type Replayed, replay } from './replay.ts';

const FOLLOW_MS = 1_000;

export const JOURNAL_PATH = option({
  flag: '--journal <path>',
  parse: file,
  default: () => journalFolder(stateDirectory()),
  otherwise: 'journal in ~/.local/state/infless',
  help: 'a file of a journal, or the folder of one',
});

/** `infless journal`: the recorded decisions, a line each. */
export const journalCommand = defineProgram({
  name: 'journal',
  summary: 'Show the decisions that an autoscaler has recorded: what changed, when and why.',
  options: {
    journal: JOURNAL_PATH,
    function: option({
      flag: '--function <name>',
      parse: text,
      otherwise: 'all',
      help: 'of this function only',
    }),
    last: option({
      flag: '--last <number>',
      parse: wholeNumber(1),
      default: '50',
      help: 'so many of the latest decisions',
    }),
    follow: toggle({ flag: '--follow', help: 'go on with new ones until Ctrl-C' }),
    json: toggle({ flag: '--json', help: 'write JSON, one decision a line, with all that it was made of' }),
  },
  notes: `
Examples:
  infless journal --follow
  infless journal --function mobilenet --last 5
  infless explain mobilenet --at 12:03`,
  run: async (options) => {
    const { signal, release } = onInterrupt();
    let seenMs = -Infinity;
    const show = (decisions: readonly RecordedDecision[]): void => {
      for (const each of decisions) process.stdout.write(shown(each, options));
      seenMs = Math.max(seenMs, ...decisions.map(({ atMs }) => atMs));
    };
    const concerns = ({ demands }: RecordedDecision): boolean =>
      options.function === undefined || demands.some(({ name }) => name === options.function);
    show((await readJournal(options.journal)).decisions.filter(concerns).slice(-options.last));
    while (options.follow && !signal.aborted) {
      await sleep(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
      const { decisions } = await readJournal(options.journal);
      show(decisions.filter((each) => each.atMs > seenMs && concerns(each)));
    }
    release();
  },
});

function shown(
  decision: RecordedDecision,
  { json, function: name }: { readonly json: boolean; readonly function: string | undefined },
): string {
  if (json) return `${JSON.stringify(decision)}\n`;
  const lines = decisionLines(decision).filter((line) => name === undefined || line.includes(` ${name}: `));
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * `infless explain NAME --at 12:03`: the decision about a function that held then.
 *
 * @throws InflessError INVALID_INPUT for what is no time, FUNCTION_NOT_FOUND where nothing was decided by
 * then
 */
export async function explainAt(
  name: string,
  at: string,
  path: string,
): Promise<{
  readonly recorded: RecordedDecision;
  readonly outcome: RecordedOutcome;
  readonly text: string;
}> {
  const untilMs = parseMoment(at, Date.now());
  if (untilMs === undefined) {
    throw new InflessError('INVALID_INPUT', `--at "${at}" is no time`, {
      remedy: 'Write it like 12:03, 12:03:20 or 2026-01-31T12:03:20Z.',
    });
  }
  const { decisions } = await readJournal(path);
  const about = decisions.filter(({ functions }) =>
    functions.some((each) => each.name === name && (each.constraint ?? each.shortage) !== undefined),
  );
  const recorded = about.findLast(({ atMs }) => atMs <= untilMs);
  if (recorded === undefined) {
    throw new InflessError('FUNCTION_NOT_FOUND', `No decision about "${name}" is recorded until ${at}`, {
      remedy:
        about.length === 0
          ? 'infless journal shows what is.'
          : `The first one is of ${new Date(about[0]!.atMs).toISOString()}.`,
    });
  }
  const outcome = recorded.functions.find((each) => each.name === name)!;
  return { recorded, outcome, text: explainRecorded(recorded, outcome) };
}

/** `infless replay FILE`: recorded decisions made again. */
export const replayCommand = defineProgram({
  name: 'replay',
  summary:
    'Make recorded decisions again: the same, or as they would have been with another SLO, limit or rate.',
  options: {
    journal: argument({
      argument: '<journal>',
      parse: file,
      help: 'a file of a journal, or the folder of one',
    }),
    slo: repeatable({
      flag: '--slo <[name=]time>',
      parse: named(parseDurationMs),
      help: 'another SLO, of one function or of all',
    }),
    maxInstances: repeatable({
      flag: '--max-instances <[name=]number>',
      parse: named(wholeNumber(1)),
      help: 'another bound of instances, of one function or of all',
    }),
    maxCpu: option({
      flag: '--max-cpu <cores>',
      parse: parseCpuMillicores,
      otherwise: 'as recorded',
      help: 'the most cores that one instance may have',
    }),
    rateFactor: option({
      flag: '--rate-factor <number>',
      parse: decimal(0, 1000),
      otherwise: '1',
      help: 'so many times the rates that were seen',
    }),
    rateModel: option({
      flag: '--rate-model <name>',
      parse: oneOf(RATE_MODEL_NAMES),
      otherwise: 'as recorded',
      help: 'how the capacity of an instance is predicted',
    }),
    json: toggle({ flag: '--json', help: 'write JSON' }),
  },
  notes: `
Each decision is made by itself, from what was seen then: what a change would have led to over time, infless plan simulates.

Without a change, all decisions have to be the same: exit code 1 if one is not, as after an upgrade that plans otherwise.

Examples:
  infless replay ~/.local/state/infless/journal
  infless replay incident.jsonl --slo mobilenet=300ms --max-cpu 1`,
  run: async (options) => {
    const { decisions, unreadable } = await readJournal(options.journal);
    const change: ReplayChange = {
      sloMs: byName(options.slo),
      maxInstances: byName(options.maxInstances),
      mostCpuMillicores: options.maxCpu,
      rateFactor: options.rateFactor,
      rates: options.rateModel,
    };
    const isChanged = [options.slo.length > 0, options.maxInstances.length > 0].concat(
      [options.maxCpu, options.rateFactor, options.rateModel].map((value) => value !== undefined),
    );
    const beganAt = performance.now();
    const replayed = decisions.map((each) => replay(each, change));
    const differing = replayed.filter(({ isSame }) => !isSame);
    const tookMs = Math.round(performance.now() - beganAt);
    if (options.json) process.stdout.write(`${JSON.stringify(jsonOf(replayed, unreadable, tookMs))}\n`);
    else process.stdout.write(textOf(replayed, differing, unreadable, tookMs));
    if (!isChanged.includes(true) && differing.length > 0) process.exitCode = 1;
  },
});

/** `NAME=VALUE`, or the value alone. */
function named<T>(parse: (given: string, name: string) => T) {
  return (given: string, option: string): { readonly name: string | undefined; readonly value: T } => {
    const at = given.indexOf('=');
    return {
      name: at < 0 ? undefined : given.slice(0, at),
      value: parse(given.slice(at + 1), option),
    };
  };
}

/** What names one function counts before what names none. */
function byName<T>(given: readonly { readonly name: string | undefined; readonly value: T }[]) {
  return (functionName: string): T | undefined =>
    (given.findLast(({ name }) => name === functionName) ?? given.findLast(({ name }) => name === undefined))
      ?.value;
}

function textOf(
  replayed: readonly Replayed[],
  differing: readonly Replayed[],
  unreadable: number,
  tookMs: number,
): string {
  const lines = differing.flatMap(({ recorded, outcomes, differing: names }) =>
    outcomes
      .filter(({ name }) => names.includes(name))
      .map(({ name, after, target }) => {
        const was = recorded.functions.find((each) => each.name === name);
        const at = new Date(recorded.atMs).toISOString();
        const moved =
          countsText(after) === countsText(was?.after ?? [])
            ? ''
            : `${countsText(was?.after ?? [])} → ${countsText(after)}`;
        const aimed =
          countsText(target) === countsText(was?.target ?? [])
            ? ''
            : `target ${countsText(was?.target ?? [])} → ${countsText(target)}`;
        return `${at} ${name}: ${[moved, aimed].filter((part) => part !== '').join('; ') || 'the same instances for another reason'}\n`;
      }),
  );
  const same = replayed.length - differing.length;
  const left = unreadable === 0 ? '' : `, ${unreadable} lines could not be read`;
  return `${lines.join('')}${replayed.length} decisions made again in ${formatDuration(tookMs)}: ${same} the same, ${differing.length} others${left}\n`;
}

function jsonOf(replayed: readonly Replayed[], unreadable: number, tookMs: number) {
  return {
    decisions: replayed.length,
    same: replayed.filter(({ isSame }) => isSame).length,
    unreadable,
    tookMs,
    others: replayed
      .filter(({ isSame }) => !isSame)
      .map(({ recorded, outcomes, differing }) => ({
        id: recorded.id,
        at: new Date(recorded.atMs).toISOString(),
        differing,
        was: recorded.functions.filter(({ name }) => differing.includes(name)),
        wouldBe: outcomes.filter(({ name }) => differing.includes(name)),
      })),
  };
}
