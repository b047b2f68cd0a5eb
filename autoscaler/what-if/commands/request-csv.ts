import { open } from 'node:fs/promises';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import type { RequestRecord } from '../../simulation/request-log.ts';

const COLUMNS = 'policy,function,arrival_ms,start_ms,end_ms,instance,batch,cold,outcome';
/** So many lines are kept before they are written. */
const LINES_AT_ONCE = 10_000;

/** A CSV file of requests, which may be more than memory holds. */
export interface RequestCsv {
  add(policy: string, record: RequestRecord): void;
  close(): Promise<void>;
}

/** @throws InflessError INVALID_INPUT where the file cannot be written */
export async function openRequestCsv(path: string): Promise<RequestCsv> {
  const file = await open(path, 'w').catch((error: unknown) => {
    throw new InflessError('INVALID_INPUT', `--requests ${path} cannot be written (${messageOf(error)})`);
  });
  let lines = [COLUMNS];
  let written = Promise.resolve();
  const flush = (): void => {
    const text = `${lines.join('\n')}\n`;
    lines = [];
    written = written.then(() => file.appendFile(text));
    written.catch(() => {}); // told when it is closed
  };
  return {
    add: (policy, { functionName, arrivalMs, startMs, endMs, instance, batch, cold, outcome }) => {
      const times = [arrivalMs, startMs, endMs].map((ms) => (ms === null ? '' : ms.toFixed(3)));
      lines.push([policy, functionName, ...times, instance ?? '', batch ?? '', cold, outcome].join(','));
      if (lines.length >= LINES_AT_ONCE) flush();
    },
    close: async () => {
      if (lines.length > 0) flush();
      try {
        await written;
      } finally {
        await file.close();
      }
    },
  };
}
