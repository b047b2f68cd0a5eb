import { describe, expect, it } from 'vitest';
import { disruptionOf, pullFailureOf, stateOf } from '../../../../autoscaler/fleet/kubernetes/pod-state.ts';
import { podInState, podWith, time } from './pods.ts';

describe('the state of a pod', () => {
  it('is ready when its condition says so and it has an address', () => {
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: time('2026-01-01T00:00:05Z') };
    expect(stateOf(podWith({ phase: 'Running', podIP: '10.1.2.3', conditions: [ready] }))).toEqual({
      kind: 'ready',
      sinceMs: Date.UTC(2026, 0, 1, 0, 0, 5),
      ip: '10.1.2.3',
    });
    expect(stateOf(podWith({ phase: 'Running', conditions: [ready] }))).toEqual({ kind: 'waiting' });
  });

  it.each([
    ['nothing yet', podWith({})],
    ['it runs, but does not answer', podInState({ running: {} }, { phase: 'Running' })],
    ['its image is being pulled', podInState({ waiting: { reason: 'ContainerCreating' } })],
    ['its image could not be pulled at first', podInState({ waiting: { reason: 'ErrImagePull' } })],
  ])('is waiting without trouble: %s', (_, pod) => {
    expect(stateOf(pod)).toEqual({ kind: 'waiting' });
  });

  it('may pass where no node has room', () => {
    const unschedulable = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
    };
    expect(stateOf(podWith({ conditions: [unschedulable] }))).toMatchObject({
      trouble: {
        reason: 'its node does not take it: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
        mayPass: true,
      },
    });
  });

  it.each([
    ['ImagePullBackOff', 'its image cannot be pulled: of it'],
    ['InvalidImageName', 'its image has no valid name: of it'],
    ['CreateContainerConfigError', 'its container cannot be set up: of it'],
    ['CrashLoopBackOff', 'it ends again and again: of it'],
  ])('will not get better: %s', (reason, sentence) => {
    expect(stateOf(podInState({ waiting: { reason, message: 'of it' } }))).toMatchObject({
      trouble: { reason: sentence, mayPass: false },
    });
  });

  it.each([
    [
      'it ended by itself, with exit code 2: no such model',
      podInState(
        { terminated: { exitCode: 2, message: '{"level":30,"msg":"loading"}\nno such model' } },
        { phase: 'Failed' },
      ),
    ],
    [
      'it was killed by signal 9',
      podInState({ terminated: { exitCode: 137, reason: 'Error' } }, { phase: 'Failed' }),
    ],
    [
      'it needed more memory than it may have',
      podInState({ terminated: { exitCode: 137, reason: 'OOMKilled' } }, { phase: 'Failed' }),
    ],
    [
      'it ended by itself, with exit code 0',
      podInState({ terminated: { exitCode: 0 } }, { phase: 'Succeeded' }),
    ],
    [
      'it was evicted: The node was low on memory.',
      podWith({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory.' }),
    ],
    [
      'its node ended it (UnexpectedAdmissionError): no such device',
      podWith({ phase: 'Failed', reason: 'UnexpectedAdmissionError', message: 'no such device' }),
    ],
    ['its pod has ended', podWith({ phase: 'Failed' })],
  ])('is over: %s', (reason, pod) => {
    expect(stateOf(pod)).toEqual({ kind: 'over', reason });
  });
});

it('why it is disrupted is told where that is known', () => {
  const target = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' };
  expect(disruptionOf(podWith({ conditions: [target] }))).toBe('it was evicted: PreemptionByScheduler');
  expect(disruptionOf(podWith({ conditions: [{ ...target, message: 'for others' }] }))).toBe(
    'it was evicted: for others',
  );
  expect(disruptionOf(podWith({}))).toBeUndefined();
});

it('what a registry said is told as long as it is told', () => {
  const pod = podInState({ waiting: { reason: 'ErrImagePull', message: 'manifest unknown' } });
  expect(pullFailureOf(pod)).toBe('its image cannot be pulled: manifest unknown');
  expect(pullFailureOf(podInState({ waiting: { reason: 'ImagePullBackOff' } }))).toBeUndefined();
});
