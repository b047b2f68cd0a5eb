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

  test.each([
    [{}, 'at "INFLESS_MODEL": is missing; set it to a model file or a zoo name.'],
    [{ INFLESS_MODEL: '' }, 'at "INFLESS_MODEL": is missing'],
    [
      { INFLESS_MODEL: 'm', INFLESS_PORT: '70000' },
      'at "INFLESS_PORT": must be a whole number from 0 to 65535, not "70000".',
    ],
    [{ INFLESS_MODEL: 'm', INFLESS_PORT: '-1' }, 'from 0 to 65535, not "-1"'],
    [{ INFLESS_MODEL: 'm', INFLESS_MAX_BATCH: '0' }, 'at "INFLESS_MAX_BATCH": must be a whole number from 1'],
    [{ INFLESS_MODEL: 'm', INFLESS_SLO_MS: '200ms' }, 'at "INFLESS_SLO_MS": must be a number from 1'],
    [{ INFLESS_MODEL: 'm', INFLESS_MODEL_NAME: 'a/b' }, 'at "INFLESS_MODEL_NAME": must be a name that fits'],
    [{ INFLESS_MODEL: 'm', INFLESS_PORT: 'x', INFLESS_SLO_MS: 'y' }, '(and 1 more problem)'],
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
