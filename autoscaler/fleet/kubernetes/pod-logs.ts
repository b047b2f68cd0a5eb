import { EventEmitter, on } from 'node:events';
import type { V1Pod } from '@kubernetes/client-node';
import { type Clock, pause } from '../../../models/base/clock.ts';
import { ApiError, isNotFound, platformFailure } from '../../kubernetes/api-errors.ts';
import type { Connection } from '../../kubernetes/connection.ts';
import type { Informer } from '../../kubernetes/informer.ts';
import type { LogLine, LogQuery } from '../platform.ts';
import { FUNCTION_LABEL } from './labels.ts';

const RESUME_MS = 1_000;

/** What the pods of a function print, as long as the cluster knows the pods. */
export class PodLogs {
  readonly #connection: Connection;
  readonly #pods: Informer<V1Pod>;
  readonly #clock: Clock;

  constructor(connection: Connection, pods: Informer<V1Pod>, clock: Clock) {
    this.#connection = connection;
    this.#pods = pods;
    this.#clock = clock;
  }

  /** First what there is, in the order of time; then, if it is to be followed, what comes, as it comes. */
  async *of(functionName: string, query: LogQuery): AsyncGenerator<LogLine> {
    const isMeant = (pod: V1Pod): boolean => pod.metadata?.labels?.[FUNCTION_LABEL] === functionName;
    const logs = new Map<string, PodLog>();
    for (const pod of this.#pods.items().filter(isMeant)) {
      if (hasStarted(pod)) logs.set(nameOf(pod), new PodLog(this.#connection, nameOf(pod)));
    }
    const present = await Promise.all(Array.from(logs.values(), (log) => this.#present(log, query)));
    for (const line of present.flat().sort((a, b) => a.timestampMs - b.timestampMs)) {
      if (query.signal.aborted) return;
      yield line;
    }
    if (query.follow) yield* this.#follow(isMeant, logs, query);
  }

  async #present(log: PodLog, query: LogQuery): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    try {
      for await (const line of log.read({ ...query, follow: false })) lines.push(line);
      return lines;
    } catch (error) {
      if (query.signal.aborted || hasNone(error)) return lines;
      throw platformFailure('Logs cannot be read', error);
    }
  }

  async *#follow(
    isMeant: (pod: V1Pod) => boolean,
    logs: Map<string, PodLog>,
    { sinceMs, signal }: LogQuery,
  ): AsyncGenerator<LogLine> {
    const ended = new AbortController();
    const query = { sinceMs: sinceMs ?? 0, follow: true, signal: AbortSignal.any([signal, ended.signal]) };
    const lines = new EventEmitter();
    const followed = new Set<string>();
    const follow = (pod: V1Pod): void => {
      const name = nameOf(pod);
      if (!isMeant(pod) || !hasStarted(pod) || followed.has(name)) return;
      followed.add(name);
      const log = logs.get(name) ?? new PodLog(this.#connection, name);
      void this.#copy(name, log, query, (line) => lines.emit('line', line));
    };
    const told = on(lines, 'line', { signal: query.signal });
    const unsubscribe = this.#pods.onEvent(({ type, object }) => type !== 'removed' && follow(object));
    for (const pod of this.#pods.items()) follow(pod);
    try {
      for await (const [line] of told) yield line as LogLine;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      unsubscribe();
      ended.abort();
    }
  }

  /** Until its pod has ended; a connection that breaks is taken up where it was. */
  async #copy(name: string, log: PodLog, query: LogQuery, tell: (line: LogLine) => void): Promise<void> {
    const { signal } = query;
    while (!signal.aborted) {
      const wasRunning = this.#isRunning(name);
      try {
        for await (const line of log.read(query)) tell(line);
      } catch (error) {
        if (hasNone(error)) return;
      }
      if (!wasRunning) return;
      await pause(this.#clock, RESUME_MS, signal);
    }
  }

  #isRunning(name: string): boolean {
    const pod = this.#pods.get(name);
    return pod !== undefined && pod.status?.phase === 'Running';
  }
}

function hasStarted({ status }: V1Pod): boolean {
  return (status?.containerStatuses ?? []).some(
    ({ state }) => state?.running !== undefined || state?.terminated !== undefined,
  );
}

/** The pod is there no more, or nothing of it has run. */
function hasNone(error: unknown): boolean {
  return isNotFound(error) || (error instanceof ApiError && error.status === 400);
}

function nameOf({ metadata }: V1Pod): string {
  return metadata?.name ?? '';
}

/** RFC 3339 as Kubernetes puts it before each line: up to nine digits of a second. */
const STAMPED_LINE = /^(\S+?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d) (.*)$/;

/** What one pod prints. It can be read in several pieces; each goes on where the one before ended. */
export class PodLog {
  readonly #connection: Connection;
  readonly #name: string;
  /** Of the last line that was read. */
  #stamp: string | undefined;

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  /** @throws ApiError */
  async *read({ tailLines, sinceMs = 0, follow, signal }: LogQuery): AsyncGenerator<LogLine> {
    const after = this.#stamp;
    const lines = await this.#connection.stream({
      method: 'GET',
      path: `/api/v1/namespaces/${this.#connection.namespace}/pods/${this.#name}/log`,
      query: {
        timestamps: true,
        follow,
        ...(after !== undefined
          ? { sinceTime: after }
          : { tailLines, ...(sinceMs > 0 ? { sinceTime: new Date(sinceMs).toISOString() } : {}) }),
      },
      signal,
    });
    for await (const line of lines) {
      const [, time, fraction = '', zone, text = ''] = STAMPED_LINE.exec(line) ?? [];
      if (time === undefined) continue;
      const stamp = `${time}.${fraction.padEnd(9, '0')}${zone}`;
      const timestampMs = Date.parse(stamp);
      // The server keeps to whole seconds.
      if (timestampMs < sinceMs || (after !== undefined && stamp <= after)) continue;
      this.#stamp = stamp;
      yield { instanceId: this.#name, timestampMs, text };
    }
  }
}
