import { describe, expect, test } from 'vitest';
import { InflessError } from '../../../models/base/errors.ts';
import { serverSettings } from '../../../packager/server/settings.ts';

describe('settings of the serving process', () => {
  test('only the model is needed', () => {
    expect(serverSettings({ INFLESS_MODEL: 'mnist' })).toMatchObject({
      model: 'mnist',
      modelName: undefined,
      host: '127.0.0.1',
      port: 8080,
      gpuPercent: 0,
      maxBatch: 8,
      sloMs: 200,
      orphanMs: 0,
    });
  });

  test('numbers are read, an empty variable counts as unset', () => {
    const settings = serverSettings({
      INFLESS_MODEL: 'm.onnx',
      INFLESS_PORT: '0',
      INFLESS_SLO_MS: '12.5',
      INFLESS_MAX_BATCH: '32',
      INFLESS_QUEUE_LIMIT: '',
    });
    expect(settings).toMatchObject({ port: 0, sloMs: 12.5, maxBatch: 32, queueLimit: 256 });
  });

  test('a batch axis is one for all inputs, or by their names', () => {
    const given = (text: string) =>
      serverSettings({ INFLESS_MODEL: 'm', INFLESS_BATCH_AXIS: text }).batchAxes;
    expect(given('1')).toEqual({ '': 1 });
    expect(given('{"x": 0}')).toEqual({ x: 0 });
    expect(caught(() => given('-1')).sentence).toContain('INFLESS_BATCH_AXIS');
  });

  test.each([
    [{}, 'INFLESS_MODEL is missing: a model file, or a model of the zoo.'],
    [{ INFLESS_MODEL: '' }, 'INFLESS_MODEL is missing'],
    [
      { INFLESS_MODEL: 'm', INFLESS_PORT: '70000' },
      'INFLESS_PORT "70000" is not a whole number from 0 to 65535.',
    ],
    [{ INFLESS_MODEL: 'm', INFLESS_PORT: '-1' }, 'INFLESS_PORT "-1" is not'],
    [
      { INFLESS_MODEL: 'm', INFLESS_MAX_BATCH: '0' },
      'INFLESS_MAX_BATCH "0" is not a whole number from 1 to 4096',
    ],
    [
      { INFLESS_MODEL: 'm', INFLESS_SLO_MS: '200ms' },
      'INFLESS_SLO_MS "200ms" is not a number from 1 to 3600000',
    ],
    [
      { INFLESS_MODEL: 'm', INFLESS_MODEL_NAME: 'a/b' },
      'INFLESS_MODEL_NAME "a/b" does not fit into a URL path',
    ],
  ])('%o is refused in one sentence', (environment, sentence) => {
    const error = caught(() => serverSettings(environment));
    expect(error.code).toBe('INVALID_INPUT');
    expect(error.sentence).toContain(sentence);
    expect(error.sentence).not.toContain('\n');
  });
});

function caught(call: () => unknown): InflessError {
  try {
    call();
  } catch (error) {
    if (error instanceof InflessError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
