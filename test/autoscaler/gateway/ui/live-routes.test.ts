import { fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Platform } from '../../../../autoscaler/fleet/platform.ts';
import type { FunctionRegistry } from '../../../../autoscaler/functions/registry.ts';
import { GatewayMetrics } from '../../../../autoscaler/gateway/metrics.ts';
import { SAMPLE_MS } from '../../../../autoscaler/gateway/ui/history.ts';
import { liveRoutes } from '../../../../autoscaler/gateway/ui/live-routes.ts';
import { constantRate } from '../../../../profiler/load/arrivals/rates.ts';
import { nodeCapacity } from '../../../support/resources.ts';
import { declared } from '../../../support/simulated-functions.ts';
import { SimulatedWorld } from '../../../support/simulated-world.ts';

let world: SimulatedWorld;
let url: string;
let close: () => Promise<void>;

const NODE = nodeCapacity({ name: 'node', cpuMillicores: 32_000, memoryBytes: 64e9, gpuPercents: [] });

beforeEach(async () => {
  world = await SimulatedWorld.open({ nodes: [NODE] });
  world.controller.run();
  world.controller.deploy(declared('f'));
  const app = fastify();
  const broken = [{ name: 'lost', reason: 'its file is gone' }] as unknown as FunctionRegistry['broken'];
  liveRoutes(app, {
    controller: world.controller,
    clock: world.clock,
    metrics: new GatewayMetrics('ns'),
    platform: { nodes: async () => [NODE] } as unknown as Platform,
    registry: { broken } as FunctionRegistry,
  });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  close = async () => {
    await app.close();
    await world.close();
  };
});

afterEach(() => close());

/** What a browser hears, event by event. */
async function* events(query: string): AsyncGenerator<Record<string, unknown>> {
  const answer = await fetch(`${url}/api/ui/events${query}`);
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  let text = '';
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      yield JSON.parse(text.slice('data: '.length, end)) as Record<string, unknown>;
      text = text.slice(end + 2);
    }
  }
}

async function next(stream: AsyncGenerator<Record<string, unknown>>) {
  return (await stream.next()).value as Record<string, never>;
}

describe('events', () => {
  it('tell all functions, at once and with every look', async () => {
    const stream = events('');
    const first = await next(stream);
    expect(first).toMatchObject({
      functions: [{ name: 'f', sloMs: 200, percentile: 99, trouble: null }],
      broken: [{ name: 'lost', reason: 'its file is gone' }],
      cluster: { nodes: 1, cpuMillicores: 32_000, gpus: 0 },
    });
    world.load('f', constantRate(50, 20_000));
    await world.advance(6 * SAMPLE_MS);
    let latest = first;
    while ((latest as unknown as { functions: { p99Ms: unknown[] }[] }).functions[0]!.p99Ms.length < 6)
      latest = await next(stream);
    const [row] = (
      latest as unknown as { functions: { now: { ratePerSecond: number }; instances: object[] }[] }
    ).functions;
    expect(row!.now.ratePerSecond).toBeGreaterThan(20);
    expect(row!.instances.length).toBeGreaterThan(0);
    await stream.return(undefined);
  });

  it('tell one function in detail', async () => {
    await world.advance(5_000);
    const stream = events('?function=f');
    const detail = await next(stream);
    expect(detail).toMatchObject({ name: 'f', decisions: 1, batches: [] });
    expect(detail).toHaveProperty('profile.cells.11.p99Ms');
    expect(detail).toHaveProperty('episodes.0.phase', 'ready');
    expect(detail).toHaveProperty('running.0.count', 1);
    await stream.return(undefined);
  });

  it('tell the nodes, and that a function is not there', async () => {
    await world.advance(5_000);
    const cluster = events('?view=cluster');
    expect(await next(cluster)).toMatchObject({
      nodes: [{ name: 'node', cpuMillicores: 32_000, gpus: 0, instances: [{ functionName: 'f' }] }],
    });
    await cluster.return(undefined);
    const missing = events('?function=g');
    expect(await next(missing)).toEqual({ missing: 'There is no function "g"' });
    await missing.return(undefined);
  });
});

it('an open page does not keep the gateway from ending', async () => {
  const stream = events('');
  await next(stream);
  await close();
  while (!(await stream.next()).done);
  close = async () => {};
});

it('a request hears where its time went', async () => {
  await world.advance(5_000);
  const { dispatcher } = world.controller.find('f')!;
  const nowMs = world.clock.nowMs();
  const request = { path: '/', contentType: 'application/json', body: new Uint8Array() };
  const heard: object[] = [];
  const answered = dispatcher.submit(request, nowMs - 7, undefined, (times) => heard.push(times));
  await world.advance(1_000);
  await answered;
  expect(heard).toEqual([
    {
      queueMs: expect.toSatisfy((value: number) => value >= 7),
      executeMs: expect.toSatisfy((value: number) => value > 0),
      codecMs: expect.any(Number),
      transferMs: expect.any(Number),
      requests: 1,
    },
  ]);
});
