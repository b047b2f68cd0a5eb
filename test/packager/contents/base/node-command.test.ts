import { describe, expect, it } from 'vitest';
import { nodeCommand } from '../../../../packager/contents/base/node-command.ts';
import type { ImageConfig } from '../../../../packager/oci/schema.ts';
import { NODE_CONFIG } from '../bases.ts';

function command(config: ImageConfig['config']): readonly string[] {
  const base = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } } as const;
  return nodeCommand({ ...base, rootfs: { type: 'layers', diff_ids: [] }, ...(config && { config }) }, 'b:1');
}

describe('how Node.js starts in a base', () => {
  it('is its entry point where that is Node.js, as in distroless images', () => {
    expect(command({ Entrypoint: ['/nodejs/bin/node'] })).toEqual(['/nodejs/bin/node']);
    expect(command({ Entrypoint: ['/usr/bin/tini', '--', 'node'] })).toEqual(['/usr/bin/tini', '--', 'node']);
  });

  it('is node on the path in the official images', () => {
    expect(command(NODE_CONFIG)).toEqual(['node']);
  });

  it.each([
    ['nothing', undefined],
    ['a shell', { Entrypoint: ['/bin/sh'] }],
    ['another program', { Entrypoint: null, Env: ['PYTHON_VERSION=3.12'] }],
  ])('is not known of a base that has %s', (_, config) => {
    expect(() => command(config)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        message: 'Base b:1 does not say where it has its Node.js',
      }),
    );
  });

  it.each(['18.20.4', '20.18.3'])('is refused for Node.js %s, which is too old', (version) => {
    expect(() => command({ Env: [`NODE_VERSION=${version}`] })).toThrow(`Base b:1 has Node.js ${version}`);
  });

  it.each(['20.19.0', '22.0.0', '24.1.0'])('is fine with Node.js %s', (version) => {
    expect(command({ Env: [`NODE_VERSION=${version}`] })).toEqual(['node']);
  });
});
