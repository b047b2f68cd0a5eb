import { InflessError } from '../../../models/base/errors.ts';
import { gradeOf, gradeText } from '../../../profiles/conditions/grade.ts';
import { importInflessText } from '../../../profiles/import/infless-text.ts';
import { shiftLatency } from '../../../profiles/statistics.ts';
import { readTable, type StoredTable } from '../../../profiles/store.ts';
import type { ProfileTable } from '../../../profiles/table.ts';
import { readFunctionsFile } from '../../functions/functions-file.ts';
import { findTableOf } from '../../functions/model-source.ts';
import { type FunctionSpec, modelReference, parseFunctionSpec } from '../../functions/spec.ts';
import type { Candidate } from '../../latency/candidate.ts';
import { ServiceTimes } from '../../latency/service-times.ts';
import type { FunctionDemand } from '../../planning/decision.ts';
import type { Scenario } from '../../simulation/scenario.ts';
import { hasSpread } from '../../simulation/time-distribution.ts';
import { readInputFile } from './input-file.ts';

/** A function that a plan is made for. Its model need not be at hand: plans only look at its table. */
export interface PlannedFunction {
  readonly spec: FunctionSpec;
  readonly table: ProfileTable;
  /** What whoever reads the plan should know of the table. */
  readonly notes: readonly string[];
}

/** What the tables are taken with. */
export interface TableOptions {
  /** Start of an instance to its first answer, in place of what the tables say. */
  readonly startupMs?: number;
  /** How much batches vary beyond the table, as {@link Scenario.executionNoiseCv}; for the notes. */
  readonly executionNoiseCv?: number;
}

/** Where neither the table nor the user says. */
const ASSUMED_STARTUP_MS = 5_000;

/**
 * Reads a functions file, and for each function its table: `profile:`, as JSON or in the INFless text format,
 * or the one that is found for its model.
 *
 * @throws InflessError INVALID_INPUT, PROFILE_NOT_FOUND, PROFILE_INVALID
 */
export async function readPlannedFunctions(
  file: string,
  options: TableOptions = {},
): Promise<PlannedFunction[]> {
  const declarations = await readFunctionsFile(file);
  if (declarations.length === 0) {
    throw new InflessError('INVALID_INPUT', `Functions file ${file} declares no function`);
  }
  return Promise.all(
    declarations.map((declaration) =>
      planned(parseFunctionSpec(declaration, `Function "${declaration.name}" of ${file}`), options),
    ),
  );
}

/** The configs a function may run in, by its table alone. */
export function candidatesOf({ spec, table }: PlannedFunction): Candidate[] {
  const { maxBatch = Number.MAX_SAFE_INTEGER, percentile, limits } = spec;
  return new ServiceTimes(table).candidates({ maxBatch, percentile, limits });
}

/** The same as the planner takes it, with the instances it is allowed: at least one, since requests come. */
export function allowedOf(
  planned: PlannedFunction,
): Pick<
  FunctionDemand,
  'candidates' | 'excluded' | 'minInstances' | 'warmInstances' | 'maxInstances' | 'weight'
> {
  const { maxBatch = Number.MAX_SAFE_INTEGER, percentile, limits, scale } = planned.spec;
  return {
    candidates: candidatesOf(planned),
    excluded: new ServiceTimes(planned.table).excluded({ maxBatch, percentile, limits }),
    minInstances: scale.min,
    warmInstances: Math.max(1, scale.min),
    maxInstances: scale.max,
    weight: scale.weight,
  };
}

async function planned(spec: FunctionSpec, options: TableOptions): Promise<PlannedFunction> {
  const { table: measured, notes: ofTable } = await tableOf(spec);
  const notes = [...ofTable, ...spreadNotes(spec, measured, options)];
  const table = withCodec(measured);
  const { startupMs } = options;
  if (startupMs !== undefined) return { spec, table: starting(table, startupMs), notes };
  if (table.cells.some((cell) => cell.firstAnswerMs > 0)) return { spec, table, notes };
  const note = `the table of ${spec.name} does not tell how long a start takes: ${ASSUMED_STARTUP_MS / 1000} s are assumed`;
  return { spec, table: starting(table, ASSUMED_STARTUP_MS), notes: [...notes, note] };
}

/** A table of single times is simulated as one: whoever reads the figures should know. */
function spreadNotes(
  { name }: FunctionSpec,
  { cells }: ProfileTable,
  { executionNoiseCv = 0 }: TableOptions,
): string[] {
  if (executionNoiseCv > 0 || cells.some(({ latencyMs }) => hasSpread(latencyMs))) return [];
  return [
    `the table of ${name} tells one time for each config: batches take it always (--noise spreads them)`,
  ];
}

/**
 * Requests on their way, and reading and writing their JSON, are part of what an instance does, but simulated
 * batches take the tabulated execution time alone: so it is made part of that.
 */
function withCodec(table: ProfileTable): ProfileTable {
  return {
    ...table,
    cells: table.cells.map((cell) => {
      const { codecMs: json, transferMs = 0 } = cell;
      const codecMs = cell.batch * (json.decode + json.encode + transferMs);
      const latencyMs = shiftLatency(cell.latencyMs, codecMs);
      return { ...cell, latencyMs, codecMs: { decode: 0, encode: 0 }, transferMs: 0 };
    }),
  };
}

function starting(table: ProfileTable, startupMs: number): ProfileTable {
  return { ...table, cells: table.cells.map((cell) => ({ ...cell, firstAnswerMs: startupMs })) };
}

async function tableOf(spec: FunctionSpec): Promise<Pick<PlannedFunction, 'table' | 'notes'>> {
  if (spec.profile === undefined) {
    const { file, table } = await foundTable(spec);
    return { table, notes: [`the table of ${spec.name} is ${file} (${gradeText(gradeOf(table))})`] };
  }
  const what = `Profile table ${spec.profile} of function "${spec.name}"`;
  const text = await readInputFile(spec.profile, what);
  if (text.trimStart().startsWith('{')) return { table: await readTable(spec.profile), notes: [] };
  return importedTable(spec, text, what);
}

/** The text may hold the lines of several models. */
function importedTable(
  spec: FunctionSpec,
  text: string,
  what: string,
): Pick<PlannedFunction, 'table' | 'notes'> {
  const imports = importInflessText(text, { what });
  const names = [modelReference(spec), spec.name];
  const chosen =
    imports.length === 1 ? imports[0] : imports.find(({ table }) => names.includes(table.model.name));
  if (chosen === undefined) {
    throw new InflessError('PROFILE_INVALID', `${what} holds no lines of model ${modelReference(spec)}`, {
      remedy: `It has: ${imports.map(({ table }) => table.model.name).join(', ')}.`,
    });
  }
  const { table, dropped } = chosen;
  if (dropped.length === 0) return { table, notes: [] };
  const lines = table.cells.length + dropped.length;
  return {
    table,
    notes: [
      `of the ${lines} lines of the table of ${spec.name}, ${dropped.length} are left out as no latencies`,
    ],
  };
}

async function foundTable(spec: FunctionSpec): Promise<StoredTable> {
  const found = await findTableOf(spec).catch((error: unknown) => {
    if (!(error instanceof InflessError)) throw error;
    throw noTable(spec, 'nor is its model at hand', error);
  });
  if (found === undefined) throw noTable(spec, `and none is known for model ${modelReference(spec)}`);
  return found;
}

function noTable(spec: FunctionSpec, why: string, cause?: InflessError): InflessError {
  return new InflessError('PROFILE_NOT_FOUND', `Function "${spec.name}" names no profile table, ${why}`, {
    remedy: `Give one as "profile:", or measure one with: infless-profile ${spec.model ?? 'MODEL'}`,
    ...(cause === undefined ? {} : { cause }),
  });
}
