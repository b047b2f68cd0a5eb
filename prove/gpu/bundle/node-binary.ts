import { chmod, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { InflessError } from '../../../models/base/errors.ts';
import { openFile, streamToFile } from '../../../models/base/files.ts';
import { download } from './download.ts';
import { npmArchive } from './registries.ts';

const MEMBER = 'package/bin/node';

/**
 * Node.js for another machine, from the npm registry: of the version that runs this.
 *
 * @param folder where it is kept for later bundles
 * @returns the path of the program
 */
export async function nodeBinary(name: string, folder: string): Promise<string> {
  const archive = await download(await npmArchive(name, process.versions.node), folder);
  const program = join(dirname(archive), `node-${name}-${process.versions.node}`);
  if (await isFile(program)) return program;
  const tar = extract();
  const feeding = pipeline(openFile(archive, 0, (await stat(archive)).size), createGunzip(), tar);
  feeding.catch(() => {}); // whoever reads the tar learns of it
  for await (const entry of tar) {
    if (entry.header.name === MEMBER) {
      await streamToFile([Readable.from(entry, { objectMode: false })], program);
    } else {
      entry.resume();
    }
  }
  await feeding;
  if (!(await isFile(program))) {
    throw new InflessError('REGISTRY_FAILED', `${name}@${process.versions.node} has no ${MEMBER} in it`, {
      remedy: 'Run this with another version of Node.js.',
    });
  }
  await chmod(program, 0o755);
  return program;
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}
