import type { ProfileTable } from '../table.ts';

/** What a file does not say and a plan needs. */
export interface ImportOptions {
  /** Starting an instance to its first answer, in ms. */
  readonly startupMs?: number | undefined;
  /** Memory of an instance where the file tells none; default: 0, which means that memory limits nothing. */
  readonly memoryBytes?: number | undefined;
  /** When it was measured, ISO 8601. */
  readonly createdAt?: string | undefined;
  /** How errors call the text. */
  readonly what?: string | undefined;
}

/** A line that is no latency of a batch, and why. */
export interface DroppedLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly reason: 'implausible' | 'not positive' | 'repeated' | 'waiting included' | 'several instances';
}

/** The table of one model. */
export interface Imported {
  readonly table: ProfileTable;
  readonly dropped: readonly DroppedLine[];
}
