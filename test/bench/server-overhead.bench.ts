/**
 * What serving adds to the engine: the time from a request to its response, as the client sees it, against the same
 * model run from tensors in this process. One image of 224×224×3 numbers in JSON to MobileNet, one core each.
 *
 *     npx vitest bench --run test/bench/server-overhead.bench.ts
 *
 * The two take turns, so that whatever else the machine does meets both; the last line has the ratio of medians.
 */
import { Agent, request } from 'undici';
import { bench, describe } from 'vitest';
import { encodePredictBody } from '../../models/codec/predict-json.ts';
import { engineFor } from '../../models/engines.ts';
import { generateInputs } from '../../models/inputs.ts';
import { resolveModel } from '../../models/open.ts';
import { ServerProcess } from '../packager/server-process.ts';

const ROUNDS = 60;
const WARMUP_ROUNDS = 10;
const CPU_MILLICORES = 1000;

const file = await resolveModel('mobilenet');
const engine = engineFor(file.manifest.format);
const session = await engine.open(file, { cpuMillicores: CPU_MILLICORES, gpuPercent: 0 });
const feeds = generateInputs(session.manifest, { batch: 1 });
const body = Buffer.from(encodePredictBody(feeds, 'row', session.manifest));

const server = new ServerProcess({ model: 'mobilenet', cpuMillicores: CPU_MILLICORES });
await server.listening();
await server.ready();
const dispatcher = new Agent({ connections: 1 });

const engineMs: number[] = [];
const responseMs: number[] = [];

describe('mobilenet, one image', () => {
  bench(
    'engine alone, then request → response',
    async () => {
      engineMs.push(await timed(() => session.run(feeds)));
      responseMs.push(await timed(predict));
      // Here, because vitest does not wait for an asynchronous teardown of a benchmark.
      if (responseMs.length === WARMUP_ROUNDS + ROUNDS) await report();
    },
    {
      iterations: ROUNDS,
      time: 0,
      warmupIterations: WARMUP_ROUNDS,
      warmupTime: 0,
      throws: true,
    },
  );
});

async function report(): Promise<void> {
  const parts = await Promise.all(['decode', 'execute', 'encode'].map(meanMs));
  await dispatcher.close();
  await server.kill();
  await session.close();
  const [alone, served] = [median(engineMs.slice(-ROUNDS)), median(responseMs.slice(-ROUNDS))];
  console.log(
    [
      `engine alone       ${alone.toFixed(2)} ms (median of ${ROUNDS})`,
      `request → response ${served.toFixed(2)} ms, of which on average decoding ${parts[0]}, the engine ${parts[1]}, encoding ${parts[2]}`,
      `body ${(body.length / 1e6).toFixed(2)} MB, ratio ${(served / alone).toFixed(2)}`,
    ].join('\n'),
  );
}

async function predict(): Promise<void> {
  const response = await request(server.url, { method: 'POST', body, dispatcher });
  const answer = await response.body.text();
  if (response.statusCode !== 200) throw new Error(answer);
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

async function meanMs(part: string): Promise<string> {
  const name = `infless_server_${part}_seconds`;
  const mean = (await server.metric(`${name}_sum`)) / (await server.metric(`${name}_count`));
  return `${(1000 * mean).toFixed(2)} ms`;
}

function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
