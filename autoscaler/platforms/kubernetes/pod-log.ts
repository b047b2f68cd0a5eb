import type { LogLine, LogQuery } from '../../fleet/platform.ts';
import type { Connection } from '../../kubernetes/connection.ts';

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
