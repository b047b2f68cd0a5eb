import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Debian's docker-registry at an address that nodes pull from, with its storage in a folder. */
export async function startRegistry(address: string, folder: string): Promise<{ stop(): void }> {
  const config = join(folder, 'registry.json');
  const settings = {
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(folder, 'registry') } },
    http: { addr: address, net: 'tcp' },
  };
  await writeFile(config, JSON.stringify(settings));
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.once('error', reject);
    child.once('exit', () => reject(new Error(text)));
    child.stderr.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.includes('listening on')) resolve();
    });
  });
  return { stop: () => child.kill() };
}
