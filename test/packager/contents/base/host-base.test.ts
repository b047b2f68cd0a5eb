import { beforeEach, describe, expect, it } from 'vitest';
import { hostBase, hostPlatform } from '../../../../packager/contents/base/host-base.ts';
import { sharedLibraries } from '../../../../packager/contents/base/libraries.ts';
import { nodeCommand } from '../../../../packager/contents/base/node-command.ts';
import { readDocument } from '../../../../packager/oci/document.ts';
import { imageConfigSchema } from '../../../../packager/oci/schema.ts';
import { verifyBundle } from '../../../../packager/oci/verify-bundle.ts';
import { needs } from '../../../support/tools.ts';

describe('a base made of this machine', () => {
  beforeEach((context) => {
    context.skip(process.platform !== 'linux', 'needs Linux');
    needs(context, 'ldd');
  });

  it('is an image that starts our Node.js, the same each time', async () => {
    const image = await hostBase.fetch(hostPlatform());
    const config = await readDocument(image.config, imageConfigSchema, 'host', 'config');
    expect(nodeCommand(config, 'host')).toEqual(['/usr/local/bin/node']);
    expect(config).toMatchObject({ ...hostPlatform(), created: '1970-01-01T00:00:00.000Z' });
    const bundle = { root: image.manifest, images: [image], referrers: [] };
    expect((await verifyBundle(bundle, 'host')).problems).toEqual([]);
    const again = await hostBase.fetch(hostPlatform());
    expect(again.manifest.descriptor).toEqual(image.manifest.descriptor);
  });

  it('is for the platform of this machine alone', async () => {
    const architecture = hostPlatform().architecture === 'arm64' ? 'amd64' : 'arm64';
    await expect(hostBase.fetch({ os: 'linux', architecture })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      sentence: expect.stringContaining(`not for linux/${architecture}`),
    });
  });

  it('knows the loader and the libraries of a program', async () => {
    const { loader, files } = await sharedLibraries([process.execPath]);
    expect(loader).toMatch(/^\/\S*ld-linux\S*$/);
    expect(files.get('libc.so.6')).toMatch(/^\/\S+\/libc\.so\.6$/);
  });

  it('says so of a file that is no program', async () => {
    await expect(sharedLibraries([import.meta.filename])).rejects.toMatchObject({ code: 'PLATFORM_FAILED' });
  });
});
