import { Agent, request } from 'undici';
import {
  READY_PATH,
  type ReadyReport,
  readyReportSchema,
} from '../../../packager/server/instance-protocol.ts';

export type ReadyAnswer =
  | { readonly kind: 'ready'; readonly report: ReadyReport }
  /** It lives, but takes no requests: still loading its model, or draining. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'silent' };

/** Asks instances on this machine whether they are ready, over one kept connection each. */
export class ReadyProbe {
  readonly #agent = new Agent({ connections: 1, connectTimeout: 2_000 });

  async ask(port: number, timeoutMs: number): Promise<ReadyAnswer> {
    try {
      const { statusCode, body } = await request(`${instanceUrl(port)}${READY_PATH}`, {
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (statusCode !== 200) {
        await body.dump();
        return { kind: 'busy' };
      }
      const report = readyReportSchema.safeParse(await body.json());
      return report.success ? { kind: 'ready', report: report.data } : { kind: 'silent' };
    } catch {
      return { kind: 'silent' }; // refused, reset, timed out: all mean the same to the caller
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

export function instanceUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}
