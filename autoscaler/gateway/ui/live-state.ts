import { formatConfig } from '../../../profiles/config.ts';
import type { Instance } from '../../cluster/instance.ts';
import type { Controller } from '../../control/controller.ts';
import type { ManagedFunction } from '../../control/managed-function.ts';
import type { Platform } from '../../fleet/platform.ts';
import type { FunctionRegistry } from '../../functions/registry.ts';
import { shortageText } from '../../planning/decision.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Episode, History, Sample } from './history.ts';

export interface LiveParts {
  readonly controller: Controller;
  readonly registry: FunctionRegistry;
  readonly platform: Platform;
  readonly metrics: GatewayMetrics;
  readonly history: History;
}

/** One function among all: `functions` of the event `tick`. */
export interface FunctionRow {
  readonly name: string;
  readonly sloMs: number;
  readonly percentile: number;
  readonly now: Sample | null;
  /** p99 of the last ten minutes, in at most 60 points, the oldest first. */
  readonly p99Ms: readonly (number | null)[];
  readonly instances: readonly { readonly config: string; readonly count: number }[];
  readonly maxInstances: number;
  /** What it is short of, or cannot do, in a sentence. */
  readonly trouble: string | null;
}

const MOST_POINTS = 60;

/** All functions, and what the cluster has: what the overview shows. */
export async function overviewOf({ controller, registry, platform, history }: LiveParts) {
  const nodes = await platform.nodes();
  const running = controller.functions.map((managed) => rowOf(managed, controller, history));
  const broken = registry.broken.map(({ name, reason }) => ({ name, reason }));
  return {
    functions: running.sort((a, b) => (a.name < b.name ? -1 : 1)),
    broken,
    cluster: {
      nodes: nodes.length,
      cpuMillicores: nodes.reduce((sum, { shared }) => sum + shared.cpuMillicores, 0),
      memoryBytes: nodes.reduce((sum, { shared }) => sum + shared.memoryBytes, 0),
      gpus: nodes.reduce((sum, { devices }) => sum + devices.length, 0),
    },
  };
}

function rowOf(managed: ManagedFunction, controller: Controller, history: History): FunctionRow {
  const { name, deployment, backoff } = managed;
  const { slo, percentile, scale } = deployment.spec;
  const samples = history.samplesOf(name);
  const shortage = controller.shortageOf(name);
  const trouble = backoff.reason ?? (shortage === undefined ? null : shortageText(shortage));
  return {
    name,
    sloMs: slo,
    percentile,
    now: samples.at(-1) ?? null,
    p99Ms: thinned(samples).map(({ p99Ms }) => p99Ms),
    instances: byConfig(controller.instancesOf(name)),
    maxInstances: scale.max,
    trouble,
  };
}

function thinned(samples: readonly Sample[]): readonly Sample[] {
  const step = Math.ceil(samples.length / MOST_POINTS);
  return step <= 1 ? samples : samples.filter((_, index) => (samples.length - 1 - index) % step === 0);
}

function byConfig(instances: readonly Instance[]): FunctionRow['instances'] {
  const counts = new Map<string, number>();
  for (const { config } of instances) {
    const text = formatConfig(config);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([config, count]) => ({ config, count }));
}

/** The nodes and what is on them: what the view of the cluster shows. */
export async function clusterOf({ controller, platform }: LiveParts) {
  const nodes = await platform.nodes();
  const all = controller.functions.flatMap(({ name }) => [...controller.instancesOf(name)]);
  return {
    nodes: nodes.map(({ name, shared, devices }) => ({
      name,
      ...shared,
      gpus: devices.length,
      instances: all
        .filter(({ node }) => node === name)
        .map(({ id, functionName, config, phase }) => ({
          ...{ id, functionName, phase },
          config: formatConfig(config),
          cpuMillicores: config.cpuMillicores,
          gpuPercent: config.gpuPercent,
        })),
    })),
  };
}

/** One function in all detail. */
export async function detailOf({ controller, metrics, history }: LiveParts, managed: ManagedFunction) {
  const { name, deployment, declaration, warnings } = managed;
  const { spec, model, profile } = deployment;
  return {
    name,
    sloMs: spec.slo,
    percentile: spec.percentile,
    declaration,
    warnings,
    profile: {
      file: profile.file,
      createdAt: profile.table.createdAt,
      cells: profile.table.cells.map(({ batch, cpuMillicores, gpuPercent, latencyMs, samples }) => ({
        ...{ batch, cpuMillicores, gpuPercent, samples },
        p50Ms: latencyMs.p50,
        p99Ms: latencyMs.p99,
        config: formatConfig({ batch, cpuMillicores, gpuPercent }),
      })),
    },
    inputs: model.manifest.inputs,
    outputs: model.manifest.outputs,
    running: byConfig(controller.instancesOf(name)),
    samples: history.samplesOf(name),
    episodes: history.episodesOf(name).map(episodeText),
    batches: await metrics.batchSizesOf(name),
    decisions: controller.decisionsOf(name).length,
  };
}

function episodeText({ instance, goneAtMs }: Episode) {
  const { id, config, node, startedAtMs, readyAtMs, phase } = instance;
  return { id, config: formatConfig(config), node, phase, startedAtMs, readyAtMs, goneAtMs };
}
