/**
 * What serving adds to the engine: the time from a request to its response, as the client sees it, at a
 * serving process and through the gateway, against the same model run from tensors in this process. One image
 * of 224×224×3 numbers in JSON to MobileNet, one core each: the request that INFless' own client sends.
 *
 *     npx vitest bench --run test/bench/request-overhead.bench.ts
 *
 * The three take turns, so that whatever else the machine does meets all; ratios are of medians.
 */
import { Agent, request } from 'undici';
import { bench, describe } from 'vitest';
import { engineFor } from '../../models/engines/index.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import { predictBody } from '../../models/protocols/tensorflow-serving.ts';
import { resolveModel } from '../../models/resolve/resolve-model.ts';
import { profileModel } from '../../profiler/sweep/profile-model.ts';
import { RunningService } from '../autoscaler/end-to-end/running-service.ts';
import { ServerProcess } from '../packager/server/server-process.ts';

const ROUNDS = 60;
const WARMUP_ROUNDS = 10;
const CPU_MILLICORES = 1000;

const file = await resolveModel('mobilenet');
const session = await engineFor(file.manifest.format).open(file, {
  cpuMillicores: CPU_MILLICORES,
  gpuPercent: 0,
});
const feeds = generateInputs(session.manifest, { batch: 1 });
const body = Buffer.from(predictBody(feeds, 'row', session.manifest));

const server = new ServerProcess({ model: 'mobilenet', cpuMillicores: CPU_MILLICORES });
await server.listening();
await server.ready();

await profileModel('mobilenet', { batches: [1], cpuMillicores: [CPU_MILLICORES] });
const autoscaler = await RunningService.start();
await autoscaler.declare({ name: 'mobilenet', model: 'mobilenet', slo: '500ms' });
await autoscaler.untilReady('mobilenet');

const client = new Agent({ connections: 1 });
const engineMs: number[] = [];
const serverMs: number[] = [];
const gatewayMs: number[] = [];

describe('mobilenet, one image', () => {
  bench(
    'engine alone, then serving process, then gateway',
    async () => {
      engineMs.push(await timed(() => session.run(feeds)));
      serverMs.push(await timed(() => predict(server.url)));
      gatewayMs.push(await timed(() => predict(`${autoscaler.service.url}/function/mobilenet`)));
      // Here, because vitest does not wait for an asynchronous teardown of a benchmark.
      if (gatewayMs.length === WARMUP_ROUNDS + ROUNDS) await report();
    },
    { iterations: ROUNDS, time: 0, warmupIterations: WARMUP_ROUNDS, warmupTime: 0, throws: true },
  );
});

async function report(): Promise<void> {
  const parts = await Promise.all(['decode', 'execute', 'encode'].map(meanMs));
  await Promise.all([client.close(), server.kill(), session.close(), autoscaler.stop()]);
  const alone = median(engineMs);
  const line = (what: string, ms: number): string =>
    `${what.padEnd(18)} ${ms.toFixed(2).padStart(6)} ms   ${(ms / alone).toFixed(2)} × the engine`;
  console.log(
    [
      `medians of ${ROUNDS}; body ${(body.length / 1e6).toFixed(2)} MB`,
      line('engine alone', alone),
      `${line('serving process', median(serverMs))}   (on average decode ${parts[0]}, execute ${parts[1]}, encode ${parts[2]})`,
      line('gateway', median(gatewayMs)),
    ].join('\n'),
  );
}

async function predict(url: string): Promise<void> {
  const response = await request(url, { method: 'POST', body, dispatcher: client });
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
  const counted = samples.slice(-ROUNDS).sort((a, b) => a - b);
  return counted[counted.length >> 1]!;
}
