import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Starts Debian's docker-registry on a free port, with its storage in a folder. */
export async function startRegistry(folder) {
  const config = join(folder, 'registry.json');
  const settings = {
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(folder, 'registry') } },
    http: { addr: '127.0.0.1:0', net: 'tcp' },
  };
  await writeFile(config, JSON.stringify(settings));
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const host = await new Promise((resolve, reject) => {
    let text = '';
    child.once('error', reject);
    child.once('exit', () => reject(new Error(text)));
    child.stderr.setEncoding('utf8').on('data', (more) => {
      text += more;
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(text)?.[1];
      if (address) resolve(address);
    });
  });
  return { host, stop: () => child.kill() };
}
