/**
 * Measures one size, in a process of its own: memory is to be of that size alone. Prints what it found as
 * JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { KubernetesPlatform } from '../../../../dist/autoscaler/fleet/kubernetes/kubernetes-platform.js';
import { connect } from '../../../../dist/autoscaler/kubernetes/connection.js';
import { PODS } from '../../../../dist/autoscaler/kubernetes/kinds.js';
import { ResourceClient } from '../../../../dist/autoscaler/kubernetes/resource-client.js';
import { ApiClient } from './api-client.mjs';
import { busyFunctions } from './busy-functions.mjs';
import { ControlledCluster } from './controlled-cluster.mjs';
import { PollingPlatform } from './polling-platform.mjs';

const NAMESPACE = 'bench';
const NODE = { cores: 64, gigabytes: 512 };
/** Twice what the instances take: nobody is short. */
const INSTANCES_PER_NODE = 16;
const OTHER_PODS = 2;
/** Until rates are believed and what is held for their recent past is let go. */
const SETTLING_MS = 40_000;
/** What comes to rest later than that never does. */
const QUIET_MS = 10_000;
const LONGEST_SETTLING_MS = 120_000;
const STEADY_TICKS = 40;
/** By how much the rate of a function rises, and within how many steps that shows. */
const RISE = 1.5;
const RISE_TICKS = 6;
const POLL_MS = 1_000;
const READY_LOOK_MS = 5;
const CALLS = 50;

const { instances: size, instancesEach, rounds, pollingRounds } = JSON.parse(process.argv[2]);

const functions = busyFunctions(Math.ceil(size / instancesEach), instancesEach);
const nodes = Array.from({ length: Math.ceil(size / INSTANCES_PER_NODE) + 1 }, (_, index) => ({
  name: `node-${index}`,
  ...NODE,
}));
const api = new ApiClient();
const kubeconfig = await api.ask({ what: 'open', namespace: NAMESPACE, nodes, otherPods: OTHER_PODS });
const connection = await connect({ kubeconfig, namespace: NAMESPACE });
const memoryBefore = memory();

const platformOf = (clock) =>
  new KubernetesPlatform({ connection, clock, logger: pino({ level: 'silent' }) });
const startUp = await grow(new ControlledCluster(platformOf, functions));

const ours = new ControlledCluster(platformOf, functions);
const adoption = await timed(() => ours.open());
const measured = await measure(ours, rounds, answersEvents);
const { heapBytes, rssBytes } = memory();
await ours.close();

const naive = pollingRounds === 0 ? null : await measurePolling();

console.log(
  JSON.stringify({
    functions: functions.length,
    nodes: nodes.length,
    instances: measured.instances,
    startUp,
    adoptionMs: adoption,
    ours: {
      ...measured,
      heapBytes: heapBytes - memoryBefore.heapBytes,
      rssBytes,
    },
    polling: naive,
  }),
);
await connection.close();
await api.close();

async function measurePolling() {
  const create = (clock) => new PollingPlatform({ connection, clock });
  const cluster = new ControlledCluster(create, functions, { scope: 'all', tickMs: POLL_MS });
  await cluster.open();
  const found = await measure(cluster, pollingRounds, looksLater);
  await cluster.close();
  return found;
}

/** From nothing to all instances, which are left to the next one. */
async function grow(cluster) {
  await api.ask({ what: 'calls' });
  const cpuBefore = process.cpuUsage();
  let stepsMs = 0;
  await cluster.open();
  stepsMs += await settle(cluster);
  const calls = await api.ask({ what: 'calls' });
  await cluster.close();
  return { starts: calls.post, stepsMs, cpuMs: cpuMsSince(cpuBefore), calls };
}

/** Returns how long the steps took, in ms. */
async function settle(cluster) {
  let stepsMs = 0;
  const fromMs = cluster.clock.nowMs();
  let movedAtMs = fromMs;
  const isSettled = () => {
    const nowMs = cluster.clock.nowMs();
    return (
      nowMs > Math.min(Math.max(fromMs + SETTLING_MS, movedAtMs + QUIET_MS), fromMs + LONGEST_SETTLING_MS)
    );
  };
  while (!isSettled()) {
    const { moves } = cluster;
    stepsMs += await cluster.tick();
    await allReady(cluster);
    if (cluster.moves > moves) movedAtMs = cluster.clock.nowMs();
  }
  return stepsMs;
}

/** @param answer how long a cluster takes to make up for an instance that is gone */
async function measure(cluster, rounds, answer) {
  await settle(cluster);
  const instances = cluster.phases.size;
  const callMs = await oneCall(cluster.phases.keys().next().value);
  const steady = await steadily(cluster);
  const rise = await changes(cluster, rounds, riseOf);
  await settle(cluster);
  const loss = await changes(cluster, rounds, (index) => lossOf(cluster, index, answer));
  const beat = await changes(cluster, rounds, beatOf);
  return { instances, callMs, steady, rise, loss, beat };

  /** The step after a node has told that it is still there. */
  async function beatOf(index) {
    await api.ask({ what: 'beat', node: nodes[index % nodes.length].name });
    await sleep(READY_LOOK_MS);
    return [await cluster.tick()];
  }

  /** Steps in which something is decided count, from the first to the last of them. */
  async function riseOf(index) {
    cluster.setFactor(index, RISE);
    const latencies = [];
    for (let tick = 0; tick < RISE_TICKS; tick += 1) {
      const before = cluster.moves;
      const tookMs = await cluster.tick();
      if (cluster.moves > before) latencies.push(tookMs);
    }
    await allReady(cluster);
    return latencies;
  }
}

/** What the API double takes to answer the plainest question, by which to judge all else. */
async function oneCall(pod) {
  const pods = new ResourceClient(connection, PODS);
  const ms = [];
  for (let call = 0; call < CALLS; call += 1) ms.push(await timed(() => pods.get(pod)));
  return latencies(ms).medianMs;
}

async function steadily(cluster) {
  await api.ask({ what: 'calls' });
  const movesBefore = cluster.moves;
  const cpuBefore = process.cpuUsage();
  const ticks = [];
  for (let tick = 0; tick < STEADY_TICKS; tick += 1) ticks.push(await cluster.tick());
  return {
    ...latencies(ticks),
    cpuMsEach: cpuMsSince(cpuBefore) / STEADY_TICKS,
    moves: cluster.moves - movesBefore,
    callsEach: perChange(await api.ask({ what: 'calls' }), STEADY_TICKS),
  };
}

async function changes(cluster, count, change) {
  await api.ask({ what: 'calls' });
  const movesBefore = cluster.moves;
  const all = [];
  for (let round = 0; round < count; round += 1) {
    all.push(...(await change(Math.floor((round * functions.length) / count))));
  }
  const moves = cluster.moves - movesBefore;
  const calls = await api.ask({ what: 'calls' });
  const callsEach = moves === 0 ? perChange(calls, count) : perChange(writes(calls), moves);
  return { ...latencies(all), moves, callsEach };
}

/** Instances are evicted until one is missed: a function may have one to spare. */
async function lossOf(cluster, index, answer) {
  for (;;) {
    const pod = await cluster.oneThatWorks(index);
    const { begun } = cluster;
    const tookMs = await answer(cluster, pod, () => api.ask({ what: 'evict', pod }));
    if (cluster.begun === begun) continue;
    await allReady(cluster);
    return [tookMs];
  }
}

/** From before the node tells, until the API has accepted a successor. */
async function answersEvents(cluster, pod, evict) {
  const fromMs = performance.now();
  await Promise.all([evict(), cluster.until(() => !cluster.phases.has(pod))]);
  await cluster.until(() => cluster.moves === cluster.begun);
  return cluster.lastMoveAtMs - fromMs;
}

/** The step that finds out; how long until it comes is not counted. */
async function looksLater(cluster, _pod, evict) {
  await evict();
  return timed(() => cluster.tick());
}

async function allReady(cluster) {
  while (cluster.starting > 0) {
    await sleep(READY_LOOK_MS);
    await cluster.look();
  }
  await cluster.atRest();
}

async function timed(work) {
  const fromMs = performance.now();
  await work();
  return performance.now() - fromMs;
}

function latencies(ms) {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { count: ms.length, medianMs: at(0.5), p99Ms: at(0.99) };
}

/** Lists come whether or not there is a change. */
function writes({ list: _list, ...others }) {
  return others;
}

function perChange(calls, count) {
  return Object.fromEntries(Object.entries(calls).map(([verb, number]) => [verb, number / count]));
}

function cpuMsSince(before) {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function memory() {
  globalThis.gc();
  const { heapUsed, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, rssBytes: rss };
}
