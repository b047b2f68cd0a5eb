import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { logLine, serviceLogger } from '../../../autoscaler/service/service-logger.ts';

it('writes sentences on a terminal', () => {
  const lines: string[] = [];
  const terminal = { isTTY: true as const, write: (text: string) => lines.push(text) > 0 };
  const logger = serviceLogger('info', terminal as unknown as NodeJS.WriteStream);
  logger.info({ function: 'mnist', instance: 'mnist-1' }, 'an instance is ready');
  logger.warn({ host: '0.0.0.0' }, 'everybody can deploy');
  logger.debug('not asked for');
  const plain = lines.map((line) => stripVTControlCharacters(line).replace(/^[\d:]{8}/, 'TIME'));
  expect(plain).toEqual([
    'TIME mnist: an instance is ready (instance mnist-1)\n',
    'TIME warning everybody can deploy (host 0.0.0.0)\n',
  ]);
});

it('leaves alone what is not its own', () => {
  expect(logLine('no JSON\n', false)).toBe('no JSON');
  expect(logLine('{"level":50,"time":0,"msg":"m","reasons":["a","b"]}', false)).toMatch(
    /^[\d:]{8} error m \(reasons a\+b\)$/,
  );
});
