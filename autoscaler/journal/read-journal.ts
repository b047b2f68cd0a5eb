import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { InflessError } from '../../models/base/errors.ts';
import { journalFiles } from './journal.ts';
import { JournalReader, type RecordedArrivals, type RecordedDecision } from './journal-line.ts';

/** What was read of a journal, and how many lines were not to be read. */
export interface ReadJournal {
  readonly decisions: readonly RecordedDecision[];
  readonly arrivals: readonly RecordedArrivals[];
  readonly unreadable: number;
}

/**
 * All decisions of a journal, in the order of time.
 *
 * @param path a file or a folder of them
 * @throws InflessError INVALID_INPUT where there is none
 */
export async function readJournal(path: string): Promise<ReadJournal> {
  const decisions: RecordedDecision[] = [];
  const arrivals: RecordedArrivals[] = [];
  let unreadable = 0;
  for (const file of await filesAt(path)) {
    const reader = new JournalReader();
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      const decision = reader.read(line);
      if (decision !== undefined) decisions.push(decision);
    }
    arrivals.push(...reader.arrivals);
    unreadable += reader.unreadable;
  }
  const byTime = (a: { readonly atMs: number }, b: { readonly atMs: number }): number => a.atMs - b.atMs;
  return { decisions: decisions.sort(byTime), arrivals: arrivals.sort(byTime), unreadable };
}

async function filesAt(path: string): Promise<readonly string[]> {
  const status = await stat(path).catch(() => undefined);
  if (status?.isFile() === true) return [path];
  const files = status === undefined ? [] : await journalFiles(path);
  if (files.length > 0) return files;
  throw new InflessError('INVALID_INPUT', `There is no journal at ${path}`, {
    remedy: 'Name a file or folder of one; infless autoscaler keeps its own below --state-dir.',
  });
}
