import { setImmediate as nextTurn } from 'node:timers/promises';
import { gradeOf, type TableGrade } from '../../../profiles/conditions/grade.ts';
import { formatConfig } from '../../../profiles/config.ts';
import type { Instance } from '../../cluster/instance.ts';
import type { Controller } from '../../control/controller.ts';
import { looserSloText } from '../../control/looser-slo.ts';
import type { ManagedFunction } from '../../control/managed-function.ts';
import type { Platform } from '../../fleet/platform.ts';
import type { BrokenFunction } from '../../functions/registry.ts';
import { LATEST_MS } from '../../latency/latency-window.ts';
import type { TableMismatch } from '../../latency/table-watch.ts';
import { type Forecast, forecastInSteps } from '../../planning/capacity/forecast.ts';
import { shortageText } from '../../planning/decision.ts';

/** What `GET /api/functions` tells of each function. */
export interface FunctionStatus {
  readonly name: string;
  /**
   * `ready`: an instance answers. `starting`: one is on its way. `idle`: none, the next request starts one.
   * `failing`: none can be started, or there is no place for any.
   */
  readonly phase: 'ready' | 'starting' | 'idle' | 'failing' | 'broken';
  readonly reason?: string;
  readonly declaration: unknown;
  readonly origin: string;
  readonly model?: { readonly digest: string; readonly path: string };
  readonly profile?: string;
  readonly profileGrade?: TableGrade;
  /** Where running stays away from the table. */
  readonly tableMismatches?: readonly TableMismatch[];
  readonly warnings: readonly string[];
  readonly sloMs?: number;
  readonly percentile?: number;
  /** Requests per second now. */
  readonly ratePerSecond?: number;
  /** Coefficient of variation of the times between them; absent where none came in the last five minutes. */
  readonly arrivalCv?: number;
  readonly queued?: number;
  readonly inFlight?: number;
  /**
   * The requests of the last five minutes, absent where there were none: latencies of null stand for requests
   * that failed.
   */
  readonly latest?: {
    readonly windowMs: number;
    readonly requests: number;
    readonly p50Ms: number | null;
    readonly p99Ms: number | null;
    readonly attainment: number;
  };
  /** Requests per second that the cluster has no room for. */
  readonly missingPerSecond?: number;
  readonly instances: readonly InstanceStatus[];
  /** What the table predicts for these instances at this rate; only of a single function asked for. */
  readonly forecast?: Forecast;
}

export interface InstanceStatus {
  readonly id: string;
  readonly phase: string;
  readonly config: Instance['config'];
  readonly configText: string;
  readonly node: string;
  readonly url: string | undefined;
  readonly startedAt: string;
  readonly startupMs: number | undefined;
  readonly cpuMs: number | undefined;
  readonly memoryBytes: number | undefined;
}

export async function statusOf(
  managed: ManagedFunction,
  controller: Controller,
  platform: Platform,
  nowMs: number,
): Promise<FunctionStatus> {
  const { deployment, dispatcher, declaration, origin, name, backoff } = managed;
  const instances = controller.instancesOf(name);
  const demand = managed.seenAt(nowMs);
  const latest = managed.latencies.summary(deployment.spec.slo, nowMs);
  const isRecent = nowMs - (demand.lastArrivalMs ?? -Infinity) < LATEST_MS;
  const shortage = controller.shortageOf(name);
  const short = shortage === undefined ? undefined : shortageText(shortage);
  const phase = phaseOf(instances, backoff.reason, short);
  const reason = backoff.reason ?? (phase === 'failing' ? short : undefined);
  return {
    name,
    phase,
    ...(reason === undefined ? {} : { reason }),
    declaration,
    origin,
    model: { digest: deployment.model.manifest.digest, path: deployment.model.path },
    profile: deployment.profile.file,
    profileGrade: gradeOf(deployment.profile.table),
    tableMismatches: managed.tableMismatches,
    warnings: [...managed.warnings, ...troublesOf(managed, controller, short)],
    sloMs: deployment.spec.slo,
    percentile: deployment.spec.percentile,
    ratePerSecond: round(demand.currentPerSecond, 100),
    ...(isRecent ? { arrivalCv: demand.arrivalCv } : {}),
    queued: dispatcher.queued,
    inFlight: dispatcher.inFlight,
    ...(latest === undefined
      ? {}
      : {
          latest: {
            windowMs: LATEST_MS,
            ...latest,
            p50Ms: finite(latest.p50Ms),
            p99Ms: finite(latest.p99Ms),
          },
        }),
    missingPerSecond: round(shortage?.missingPerSecond ?? 0, 100),
    instances: await Promise.all(instances.map((instance) => instanceStatus(instance, platform))),
  };
}

/**
 * Predicted from the table for the ready instances at the present rate, or at one asked for. It is some
 * 20,000 requests of simulation: those that come meanwhile are served between its steps.
 */
export async function forecastOf(
  managed: ManagedFunction,
  controller: Controller,
  nowMs: number,
  ratePerSecond?: number,
): Promise<Forecast | undefined> {
  const { spec } = managed.deployment;
  const demand = managed.seenAt(nowMs);
  const request = {
    times: managed.times,
    pool: controller
      .instancesOf(managed.name)
      .flatMap(({ phase, config }) => (phase === 'ready' ? [config] : [])),
    ratePerSecond: ratePerSecond ?? demand.currentPerSecond,
    arrivalCv: demand.arrivalCv,
    sloMs: spec.slo,
    percentile: spec.percentile,
  };
  return forecastInSteps(request, nextTurn);
}

export function brokenStatus({ name, reason, declaration, origin }: BrokenFunction): FunctionStatus {
  return { name, phase: 'broken', reason, declaration, origin, warnings: [], instances: [] };
}

async function instanceStatus(instance: Instance, platform: Platform): Promise<InstanceStatus> {
  const { id, phase, config, node, url, startedAtMs, readyAtMs } = instance;
  const usage = await platform.usage(id);
  return {
    id,
    phase,
    config,
    configText: formatConfig(config),
    node,
    url,
    startedAt: new Date(startedAtMs).toISOString(),
    startupMs: readyAtMs === undefined ? undefined : Math.round(readyAtMs - startedAtMs),
    cpuMs: usage === undefined ? undefined : Math.round(usage.cpuMs),
    memoryBytes: usage?.memoryBytes,
  };
}

function phaseOf(
  instances: readonly Instance[],
  failure: string | undefined,
  short: string | undefined,
): FunctionStatus['phase'] {
  if (instances.some(({ phase }) => phase === 'ready')) return 'ready';
  if (failure !== undefined) return 'failing';
  if (instances.some(({ phase }) => phase === 'starting')) return 'starting';
  return short === undefined ? 'idle' : 'failing';
}

/** What is wrong for now, in sentences. */
function troublesOf(
  { name, deployment }: ManagedFunction,
  controller: Controller,
  short: string | undefined,
): string[] {
  const looserSloMs = controller.looserSloMsOf(name);
  return [
    ...(short === undefined ? [] : [short]),
    ...(looserSloMs === undefined ? [] : [looserSloText(deployment.spec, looserSloMs)]),
  ];
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? round(value, 100) : null;
}

function round(value: number, per: number): number {
  return Math.round(value * per) / per;
}
