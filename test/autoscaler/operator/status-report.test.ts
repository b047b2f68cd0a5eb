import { describe, expect, it } from 'vitest';
import type { Instance, InstancePhase } from '../../../autoscaler/cluster/instance.ts';
import { conditionsOf } from '../../../autoscaler/operator/conditions.ts';
import { type FunctionFacts, figuresOf, stateOf } from '../../../autoscaler/operator/status-report.ts';
import { InflessError } from '../../../models/base/errors.ts';

const OUTCOME = { uid: 'u', generation: 3 };

function instance(phase: InstancePhase, batch = 1): Instance {
  return {
    id: 'i',
    functionName: 'digits',
    version: 'v',
    config: { batch, cpuMillicores: 500, gpuPercent: 0 },
    node: 'n',
    phase,
    url: undefined,
    startedAtMs: 0,
    readyAtMs: undefined,
  };
}

function facts(
  instances: readonly Instance[],
  change: Partial<FunctionFacts['running']> = {},
): FunctionFacts {
  return {
    name: 'digits',
    outcome: OUTCOME,
    running: { instances, startFailure: undefined, shortage: undefined, ...change },
  };
}

function readiness(given: FunctionFacts) {
  const { fields, findings } = stateOf(given);
  return { phase: fields.phase, ...findings.find(({ type }) => type === 'Ready') };
}

describe('how a function stands', () => {
  it.each([
    ['Ready', 'True', 'Serving', facts([instance('starting'), instance('ready')])],
    ['Ready', 'True', 'Serving', facts([instance('ready')], { startFailure: 'no room' })],
    ['Starting', 'False', 'Starting', facts([instance('starting')])],
    ['Failing', 'False', 'InstancesFail', facts([instance('starting')], { startFailure: 'no room' })],
    ['Idle', 'True', 'Idle', facts([])],
    ['Idle', 'True', 'Idle', facts([instance('draining')])],
  ])('is %s (%s, %s)', (phase, status, reason, given) => {
    expect(readiness(given)).toMatchObject({ phase, status, reason });
  });

  it('is broken with the reason in its own words', () => {
    const failure = new InflessError('IMAGE_NOT_FOUND', 'There is no such image', { remedy: 'Push it.' });
    const broken = { name: 'digits', outcome: { ...OUTCOME, failure } };
    expect(readiness(broken)).toMatchObject({
      phase: 'Broken',
      status: 'False',
      reason: 'ImageNotFound',
      message: 'There is no such image. Push it.',
    });
    expect(stateOf(broken).findings[0]).toEqual({
      type: 'Accepted',
      status: 'False',
      reason: 'ImageNotFound',
      message: 'There is no such image. Push it.',
    });
  });

  it('counts instances by config', () => {
    const { fields } = stateOf(
      facts([instance('ready', 4), instance('draining', 1), instance('starting', 4), instance('ready', 1)]),
    );
    expect(fields).toMatchObject({
      observedGeneration: 3,
      replicas: 3,
      readyReplicas: 2,
      instances: [
        { config: 'b1 c0.5', ready: 1, starting: 0, draining: 1 },
        { config: 'b4 c0.5', ready: 1, starting: 1, draining: 0 },
      ],
    });
  });

  it.each([
    [
      'ClusterFull',
      'The cluster has no room for 12 of the requests per second.',
      { functionName: 'digits', missingPerSecond: 12.34 },
    ],
    [
      'ClusterFull',
      'The cluster has no room for 12 of the requests per second and 2 of the instances that must always run.',
      { functionName: 'digits', missingPerSecond: 12.34, missingInstances: 2 },
    ],
    [
      'MaxInstances',
      'scale.max allows 3 instances: too few for 12 of the requests per second.',
      { functionName: 'digits', missingPerSecond: 12.34, maxInstances: 3 },
    ],
    [
      'NoSuitableNode',
      'No node has the labels that it asks for: disktype=ssd.',
      {
        functionName: 'digits',
        missingPerSecond: 0,
        missingInstances: 1,
        reason: 'No node has the labels that it asks for: disktype=ssd',
      },
    ],
  ])('tells what the cluster has no place for (%s)', (reason, message, shortage) => {
    const { findings } = stateOf(facts([instance('ready')], { shortage }));
    expect(findings.at(-1)).toEqual({ type: 'Sufficient', status: 'False', reason, message });
    expect(readiness(facts([instance('ready')], { shortage }))).toMatchObject({ status: 'True' });
    expect(readiness(facts([], { shortage }))).toMatchObject({ phase: 'Failing', status: 'False', message });
  });
});

it('tells that an SLO is not kept for now, of a function that serves all the same', () => {
  const lateness = 'No config that a node can hold answers within 200 ms at p99 now.';
  const { findings } = stateOf(facts([instance('ready')], { lateness }));
  expect(findings.at(-1)).toEqual({
    type: 'Sufficient',
    status: 'False',
    reason: 'SloNotKept',
    message: lateness,
  });
});

describe('figures', () => {
  it('are rounded, attainment down', () => {
    const latest = { requests: 1000, p50Ms: 12.3456, p99Ms: 1234.5, attainment: 0.99999 };
    expect(figuresOf({ ratePerSecond: 123.4, latest })).toEqual({
      ratePerSecond: 120,
      p50: '12.3ms',
      p99: '1230ms',
      sloAttainmentPercent: 99.9,
    });
  });

  it('leave out what nobody knows: a percentile of failures, latencies before the first request', () => {
    const latest = { requests: 10, p50Ms: 5, p99Ms: Infinity, attainment: 0.5 };
    expect(figuresOf({ ratePerSecond: 0, latest })).not.toHaveProperty('p99');
    expect(figuresOf({ ratePerSecond: 0, latest: undefined })).toEqual({ ratePerSecond: 0 });
  });
});

describe('a condition', () => {
  const holds = { type: 'Ready', status: 'True', reason: 'Serving', message: 'm' } as const;
  const before = [{ ...holds, reason: 'Idle', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const nowMs = Date.parse('2026-11-23T12:00:00.789Z');

  it('keeps its time while its status is the same', () => {
    expect(conditionsOf([holds], before, 4, nowMs)).toEqual([
      { ...holds, lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 4 },
    ]);
  });

  it('gets a new one when that changes, in whole seconds', () => {
    const [changed] = conditionsOf([{ ...holds, status: 'False' }], before, 4, nowMs);
    expect(changed?.lastTransitionTime).toBe('2026-11-23T12:00:00Z');
    const [first] = conditionsOf([holds], [], 4, nowMs);
    expect(first?.lastTransitionTime).toBe('2026-11-23T12:00:00Z');
  });
});
