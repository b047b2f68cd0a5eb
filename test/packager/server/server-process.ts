import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { programFile } from '../../../models/base/package.ts';
import {
  READY_PATH,
  type ReadyReport,
  readyReportSchema,
  SERVER_ENVIRONMENT,
} from '../../../packager/server/instance-protocol.ts';

type Variables = Partial<Record<keyof typeof SERVER_ENVIRONMENT, string | number>>;

/** A real serving process, as `npm run build` has made it. */
export class ServerProcess {
  readonly child: ChildProcess;
  url = '';
  port = 0;
  stderr = '';

  constructor(variables: Variables, nodeOptions = '') {
    const environment = Object.fromEntries(
      Object.entries({ port: 0, ...variables }).map(([key, value]) => [
        SERVER_ENVIRONMENT[key as keyof Variables],
        String(value),
      ]),
    );
    this.child = spawn(process.execPath, [programFile('packager/server/bin')], {
      env: { ...process.env, ...environment, NODE_OPTIONS: nodeOptions },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  async listening(): Promise<void> {
    const [message] = await Promise.race([
      once(this.child, 'message'),
      once(this.child, 'exit').then(() => Promise.reject(new Error(`it ended: ${this.stderr}`))),
    ]);
    this.port = (message as { port: number }).port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  async ready(): Promise<ReadyReport> {
    for (;;) {
      const response = await fetch(this.url + READY_PATH);
      const body: unknown = await response.json();
      if (response.status === 200) return readyReportSchema.parse(body);
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stderr}`);
      await sleep(10);
    }
  }

  /** Resolves with the exit code, or the signal that ended the process. */
  async exited(): Promise<number | NodeJS.Signals> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode ?? this.child.signalCode!;
  }

  /** Lines of the log with this message. */
  logged(message: string): Record<string, unknown>[] {
    return this.stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  }

  /** The value of a metric, by its name with labels as `/metrics` prints it. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length + 1));
  }

  post(path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + path, { method: 'POST', body: body as string, headers });
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited();
  }
}

/** Starts a server that ends with the test. */
export function spawnServer(variables: Variables, nodeOptions?: string): ServerProcess {
  const server = new ServerProcess(variables, nodeOptions);
  onTestFinished(() => server.kill());
  return server;
}

export async function startServer(variables: Variables): Promise<ServerProcess> {
  const server = spawnServer(variables);
  await server.listening();
  await server.ready();
  return server;
}

/** Asks again and again until it is so; the test's time-out is the limit. */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await sleep(5);
}
