import type { ProfileTable, Verdict } from '../table.ts';
import { isImported, whyDue } from './due.ts';
import { formatRow, guessedShapes, shapesOfTable } from './shapes.ts';

/** How far a table can be relied on, the worst first. Other tools' tables do not tell. */
export const GRADES = ['poor', 'fair', 'good', 'unknown'] as const;

export interface TableGrade {
  readonly grade: (typeof GRADES)[number];
  readonly cells: number;
  /** The others are predicted. */
  readonly measured: number;
  /** Of those measured: something was wrong with the host meanwhile. */
  readonly disturbed: number;
  /** Median error of measured cells that were predicted from the others, as a share; null where unknown. */
  readonly heldOutError: number | null;
  /** What keeps it from being better, as clauses. */
  readonly reasons: readonly string[];
}

/** What measuring again may mend. */
const DISTURBANCES: readonly Verdict[] = [
  'batch-not-filled',
  'noisy-host',
  'drifting',
  'not-warm',
  'non-monotone',
  'gpu-throttled',
  'gpu-shared',
];

/** Median held-out errors that a sparse sweep is after, and beyond which predictions tell little. */
const GOOD_ERROR = 0.05;
const POOR_ERROR = 0.15;
/** Shares of the measured cells that are disturbed. */
const FEW_DISTURBED = 0.1;
const MANY_DISTURBED = 0.5;

/** How far a table can be relied on, by what it says of itself. */
export function gradeOf(table: ProfileTable): TableGrade {
  const measured = table.cells.filter(({ predicted }) => predicted !== true);
  const disturbed = measured.filter(({ verdicts }) => verdicts?.some((it) => DISTURBANCES.includes(it)));
  const facts = {
    cells: table.cells.length,
    measured: measured.length,
    disturbed: disturbed.length,
    heldOutError: table.prediction?.heldOut?.median ?? null,
  };
  if (isImported(table)) return { grade: 'unknown', ...facts, reasons: ['it comes from another tool'] };
  const poor = poorReasons(facts);
  const reasons = [...poor, ...(poor.length > 0 ? [] : fairReasons(facts)), ...conditionReasons(table)];
  return {
    grade: poor.length > 0 ? 'poor' : reasons.length > 0 ? 'fair' : 'good',
    ...facts,
    reasons,
  };
}

type Facts = Omit<TableGrade, 'grade' | 'reasons'>;

function poorReasons({ cells, measured, disturbed, heldOutError }: Facts): string[] {
  return [
    ...(cells > measured && heldOutError === null
      ? [`${measured} of ${cells} cells are measured, too few to tell how well the others are predicted`]
      : []),
    ...((heldOutError ?? 0) > POOR_ERROR ? [`predictions are off by ${percent(heldOutError!)}`] : []),
    ...(disturbed > MANY_DISTURBED * measured ? [disturbedText(disturbed, measured)] : []),
  ];
}

function fairReasons({ measured, disturbed, heldOutError }: Facts): string[] {
  return [
    ...((heldOutError ?? 0) > GOOD_ERROR ? [`predictions are off by ${percent(heldOutError!)}`] : []),
    ...(disturbed > FEW_DISTURBED * measured ? [disturbedText(disturbed, measured)] : []),
  ];
}

/** What an older table does not say, and what its measurements do not hold for. */
function conditionReasons(table: ProfileTable): string[] {
  const due = whyDue(table);
  const guessed = guessedShapes(table);
  return [
    ...(due === undefined ? [] : [due]),
    ...(guessed.length === 0
      ? []
      : [`the sizes of its rows were guessed (${guessed.map(formatRow).join(', ')})`]),
    ...(shapesOfTable(table) === undefined ? ['it does not say of what sizes its rows were'] : []),
  ];
}

function disturbedText(disturbed: number, measured: number): string {
  return `${disturbed} of ${measured} measured cells were disturbed`;
}

/** `good: 13 of 42 cells measured, none disturbed, predictions off by 3.1 % in the median`. */
export function gradeText({ grade, cells, measured, disturbed, heldOutError }: TableGrade): string {
  const facts = [
    measured === cells
      ? `${cells} ${cells === 1 ? 'cell' : 'cells'} measured`
      : `${measured} of ${cells} cells measured`,
    `${disturbed === 0 ? 'none' : disturbed} disturbed`,
    ...(heldOutError === null ? [] : [`predictions off by ${percent(heldOutError)} in the median`]),
  ];
  return grade === 'unknown' ? `from another tool: ${cells} cells` : `${grade}: ${facts.join(', ')}`;
}

/**
 * What whoever plans with a table should know of it, as sentences.
 *
 * @param file where it is
 */
export function gradeWarnings(table: ProfileTable, file: string): readonly string[] {
  const { grade, reasons } = gradeOf(table);
  const why = whyDue(table);
  if (grade === 'poor') return [`Profile table ${file} is poor: ${reasons.join('; ')}. Measure it again.`];
  return why === undefined ? [] : [`Profile table ${file} is due again: ${why}.`];
}

/** So many times less precise, or so few of the cells, make a table worse that is of the same grade. */
const LESS_PRECISE = 1.5;
const FEWER_CELLS = 0.5;

/**
 * Why a new table is worse than the one that it would replace, as a clause; undefined where it is not, or the
 * old one is of other conditions: then it is not about what is measured now.
 */
export function whyWorse(next: ProfileTable, known: ProfileTable): string | undefined {
  const isAlike =
    next.host.fingerprint === known.host.fingerprint &&
    next.engine === known.engine &&
    (next.servingPath ?? 1) === (known.servingPath ?? 1) &&
    next.quota.mechanism === known.quota.mechanism &&
    next.quota.periodMicros === known.quota.periodMicros;
  if (!isAlike || isImported(known)) return undefined;
  const [ofNext, ofKnown] = [gradeOf(next), gradeOf(known)];
  if (GRADES.indexOf(ofNext.grade) < GRADES.indexOf(ofKnown.grade)) return ofNext.reasons.join('; ');
  if (GRADES.indexOf(ofNext.grade) > GRADES.indexOf(ofKnown.grade)) return undefined;
  if (ofNext.measured < FEWER_CELLS * ofKnown.measured)
    return `it has ${ofNext.measured} measured cells, not ${ofKnown.measured}`;
  const precision = ({ confidence }: ProfileTable): number => confidence.relativeError;
  return precision(next) > LESS_PRECISE * precision(known)
    ? `its means are known to ±${percent(precision(next))}, not ±${percent(precision(known))}`
    : undefined;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
