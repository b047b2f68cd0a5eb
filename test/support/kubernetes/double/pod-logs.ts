import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';

interface Line {
  readonly timestampMs: number;
  readonly text: string;
}

/** What containers have printed, put here by tests: there are no containers. */
export class PodLogs {
  readonly #lines = new Map<string, Line[]>();
  readonly #printed = new EventEmitter().setMaxListeners(0);

  print(namespace: string, pod: string, text: string, timestampMs: number): void {
    const key = `${namespace}/${pod}`;
    const line = { timestampMs, text };
    this.#lines.set(key, [...(this.#lines.get(key) ?? []), line]);
    this.#printed.emit(key, line);
  }

  /** The container has ended: who follows is told by the end of the answer. */
  end(namespace: string, pod: string): void {
    this.#printed.emit(`${namespace}/${pod}`, undefined);
  }

  answer(response: ServerResponse, namespace: string, pod: string, query: URLSearchParams): void {
    const key = `${namespace}/${pod}`;
    const tail = query.get('tailLines');
    const sinceMs = Math.max(
      Date.parse(query.get('sinceTime') ?? '') || 0,
      query.has('sinceSeconds') ? Date.now() - Number(query.get('sinceSeconds')) * 1000 : 0,
    );
    const timestamps = query.get('timestamps') === 'true';
    const write = ({ timestampMs, text }: Line): void => {
      const when = new Date(timestampMs).toISOString().replace('Z', '000000Z');
      response.write(timestamps ? `${when} ${text}\n` : `${text}\n`);
    };
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.flushHeaders();
    const lines = (this.#lines.get(key) ?? []).filter((line) => line.timestampMs >= sinceMs);
    for (const line of tail === null
      ? lines
      : lines.slice(lines.length - Math.min(lines.length, Number(tail))))
      write(line);
    if (query.get('follow') !== 'true') {
      response.end();
      return;
    }
    const follow = (line: Line | undefined): void => {
      if (line === undefined) response.end();
      else write(line);
    };
    this.#printed.on(key, follow);
    response.once('close', () => this.#printed.off(key, follow));
  }
}
