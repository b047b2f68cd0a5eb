import { type Clock, pause } from '../../../models/base/clock.ts';
import { LogFile } from '../../fleet/local/log-file.ts';
import type { LogLine, LogQuery } from '../../fleet/platform.ts';

const LOOK_MS = 200;

/**
 * The logs of several instances as one: what there is, in the order of time, then, if it is to be followed, what is
 * added.
 *
 * @param files the files there are now, by instance: asked again and again while following
 */
export async function* readLogs(
  files: () => ReadonlyMap<string, string>,
  query: LogQuery,
  clock: Clock,
): AsyncGenerator<LogLine> {
  const { follow, signal, sinceMs = -Infinity } = query;
  let logs = new Map(Array.from(files(), ([id, file]) => [id, new LogFile(file, id)]));
  for await (const line of inOrder([...logs.values()].map((log) => beginning(log, query)))) {
    if (signal.aborted) return;
    yield line;
  }
  while (follow && !signal.aborted) {
    await pause(clock, LOOK_MS, signal);
    const known = logs;
    logs = new Map(Array.from(files(), ([id, file]) => [id, known.get(id) ?? new LogFile(file, id)]));
    for (const log of logs.values()) {
      for await (const line of log.added(clock.nowMs())) if (line.timestampMs >= sinceMs) yield line;
    }
  }
}

/** What is there of one instance, as far as it is asked for. */
async function* beginning(log: LogFile, query: LogQuery): AsyncGenerator<LogLine> {
  const { tailLines } = query;
  if (tailLines === undefined) {
    yield* present(log, query);
    return;
  }
  const newest: LogLine[] = [];
  for await (const line of present(log, query)) {
    newest.push(line);
    if (newest.length > tailLines) newest.shift();
  }
  yield* newest;
}

async function* present(log: LogFile, { follow, sinceMs = -Infinity }: LogQuery): AsyncGenerator<LogLine> {
  for await (const line of log.added()) if (line.timestampMs >= sinceMs) yield line;
  if (follow) return; // the end of an unfinished line may still come
  for (const line of log.rest()) if (line.timestampMs >= sinceMs) yield line;
}

/** Merges what is in order already, without holding more than a line of each. */
async function* inOrder(streams: readonly AsyncGenerator<LogLine>[]): AsyncGenerator<LogLine> {
  const heads: { readonly stream: AsyncGenerator<LogLine>; line: LogLine }[] = [];
  try {
    for (const stream of streams) {
      const { done, value } = await stream.next();
      if (!done) heads.push({ stream, line: value });
    }
    while (heads.length > 0) {
      const first = heads.reduce((a, b) => (b.line.timestampMs < a.line.timestampMs ? b : a));
      yield first.line;
      const { done, value } = await first.stream.next();
      if (done) heads.splice(heads.indexOf(first), 1);
      else first.line = value;
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.return(undefined))); // closes what is read half
  }
}
