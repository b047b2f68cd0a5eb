import { describe, expect, test } from 'vitest';
import { messageOf } from '../../models/base/errors.ts';
import { modelCall } from '../../packager/server/model-path.ts';

describe('paths of the model', () => {
  test.each([
    ['POST', '/', 'predict'],
    ['POST', '', 'predict'],
    ['POST', '/?verbose=1', 'predict'],
    ['POST', '/v1/models/mnist:predict', 'predict'],
    ['POST', '/v1/models/mnist/versions/1:predict?x=/y:z', 'predict'],
    ['POST', '/v1/models/m%6eist:predict', 'predict'],
    ['GET', '/v1/models/mnist', 'status'],
    ['GET', '/v1/models/mnist/', 'status'],
    ['HEAD', '/v1/models/mnist', 'status'],
    ['GET', '/v1/models/mnist/versions/1', 'status'],
    ['GET', '/v1/models/mnist/metadata', 'metadata'],
    ['GET', '/v1/models/mnist/versions/1/metadata', 'metadata'],
  ])('%s %s is %s', (method, path, call) => {
    expect(modelCall(method, path, 'mnist')).toBe(call);
  });

  test.each([
    ['POST', '/v1/models/other:predict', 404, 'Model "other" is not served here. This server has "mnist".'],
    ['GET', '/v1/models/mnist/versions/7', 404, 'Model "mnist" has no version 7 here'],
    ['GET', '/v1/models/%zz', 404, 'Model "%zz" is not served here'],
    ['POST', '/v1/models/mnist:classify', 404, 'There is nothing at /v1/models/mnist:classify'],
    ['GET', '/v1/models/', 404, 'There is nothing at'],
    ['POST', '/predict', 404, 'There is nothing at'],
    ['GET', '/', 405, '/ takes POST, not GET.'],
    ['GET', '/v1/models/mnist:predict', 405, 'takes POST, not GET.'],
    ['POST', '/v1/models/mnist', 405, 'takes GET, not POST.'],
    ['DELETE', '/v1/models/mnist/metadata', 405, 'takes GET, not DELETE.'],
  ])('%s %s is refused', (method, path, status, sentence) => {
    const error = caught(() => modelCall(method, path, 'mnist'));
    expect(error).toMatchObject({ status });
    expect(messageOf(error)).toContain(sentence);
  });

  test('any model is taken for ours while its name is not known', () => {
    expect(modelCall('POST', '/v1/models/any:predict', undefined)).toBe('predict');
  });
});

function caught(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
