import { realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { InflessError } from '../../../models/base/errors.ts';
import { ENGINES } from '../../../models/engines/index.ts';
import { buildLayer } from '../../layers/build-layer.ts';
import { imageOf } from '../../oci/image.ts';
import type { ImageConfig, Platform } from '../../oci/schema.ts';
import type { ImageSource } from '../../oci/source.ts';
import { sourceDate } from '../../oci/source-date.ts';
import type { TarEntry } from '../../tar/tar-entry.ts';
import { fileEntry, textEntry } from '../file-entry.ts';
import { USER_ID } from '../image-config.ts';
import { sharedLibraries } from './libraries.ts';

/** Where our own Node.js lies in an image. */
export const NODE_PATH = 'usr/local/bin/node';

/** Go's words for what Node.js calls `x64`. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** What this machine's own programs run on. */
export function hostPlatform(): Platform {
  return { os: process.platform, architecture: ARCHITECTURES[process.arch] ?? process.arch };
}

/**
 * A base made of this machine: the running Node.js, the shared libraries that it and the engines' native
 * libraries load, and a user to run as. No shell, no package manager, no certificates: the serving process
 * calls no one.
 */
export const hostBase: ImageSource = {
  name: 'host',
  fetch: async (platform) => {
    checkPlatform(platform);
    const layer = await buildLayer(await baseEntries(platform), {
      compress: true,
      title: `Node.js ${process.version} and its libraries`,
    });
    const created = sourceDate().toISOString();
    const config: ImageConfig = {
      created,
      ...platform,
      config: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], Entrypoint: [`/${NODE_PATH}`] },
      rootfs: { type: 'layers', diff_ids: [layer.diffId] },
      history: [{ created, created_by: 'infless-pack --base host', comment: layer.title }],
    };
    return imageOf({ platform, config, layers: [layer] });
  },
};

function checkPlatform(platform: Platform): void {
  const host = hostPlatform();
  if (platform.os === host.os && platform.architecture === host.architecture && host.os === 'linux') return;
  throw new InflessError(
    'INVALID_INPUT',
    `--base host makes an image for ${host.os}/${host.architecture}, not for ${platform.os}/${platform.architecture}`,
    { remedy: 'Leave --platform out, or give a registry image or an OCI layout as base.' },
  );
}

async function baseEntries(platform: Platform): Promise<readonly TarEntry[]> {
  const node = await realpath(process.execPath);
  const native = await nativeFiles(platform);
  const { loader, files } = await sharedLibraries([node, ...native]);
  const libraries = [...files].filter(([, file]) => !native.includes(file));
  // All in one folder that the loader looks into by itself: its cache and this machine's search paths stay
  // here.
  const folder = dirname(files.get('libc.so.6') ?? loader).slice(1);
  return [
    await fileEntry(NODE_PATH, node),
    await fileEntry(loader.slice(1), loader),
    ...(await Promise.all(libraries.map(([name, file]) => fileEntry(`${folder}/${name}`, file)))),
    textEntry('etc/passwd', passwd()),
    textEntry('etc/group', `root:x:0:\nnonroot:x:${USER_ID}:\n`),
    { type: 'directory', path: 'tmp', mode: 0o1777 },
    // A runtime mounts over these, and cannot make them itself in a root file system that is read-only.
    ...['dev', 'proc', 'sys'].map((path) => ({ type: 'directory', path }) as const),
  ];
}

/** Of all engines: images of different formats share a base. */
async function nativeFiles(platform: Platform): Promise<readonly string[]> {
  const { resolve } = createRequire(import.meta.url);
  const libraries = ENGINES.flatMap(({ runtime }) => runtime.native ?? []);
  const files = libraries.map((native) => native.files(resolve(`${native.package}/package.json`), platform));
  return (await Promise.all(files)).flat();
}

function passwd(): string {
  return `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${USER_ID}:${USER_ID}:nonroot:/tmp:/sbin/nologin\n`;
}
