import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { onTestFinished } from 'vitest';

/** The npm registry and the Python package index, with what a bundle is made of. */
export interface RegistryDouble {
  readonly environment: NodeJS.ProcessEnv;
  /** Requests in order, with the range that was asked for. */
  readonly requests: readonly string[];
  /** The connection breaks behind so many bytes of each file, once. */
  breakAfter(bytes: number): void;
  /** Files have another content than their digests say. */
  spoil(): void;
}

/**
 * @param node what the package of Node.js has for it
 * @param wheel files of the wheel by their names in it
 */
export async function openRegistries(
  node: Buffer,
  wheelName: string,
  wheel: Readonly<Record<string, Buffer>>,
): Promise<RegistryDouble> {
  const tarball = await tgz({ 'package/package.json': Buffer.from('{}'), 'package/bin/node': node });
  const archive = zip(wheel);
  const requests: string[] = [];
  const broken = new Set<string>();
  let breakAt: number | undefined;
  let isSpoilt = false;
  const server = createServer((request, response) => {
    const url = request.url!;
    requests.push(`${url}${request.headers.range === undefined ? '' : ` ${request.headers.range}`}`);
    const { port } = server.address() as AddressInfo;
    const base = `http://127.0.0.1:${port}`;
    if (url.startsWith('/npm/')) {
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
      response.end(JSON.stringify({ dist: { tarball: `${base}/files/node.tgz`, integrity } }));
      return;
    }
    if (url.startsWith('/simple/')) {
      const sha256 = createHash('sha256').update(archive).digest('hex');
      const files = [
        { filename: 'onnxruntime_gpu-0.0.1-cp312-cp312-manylinux_2_28_x86_64.whl', url: '/none', hashes: {} },
        { filename: wheelName, url: `../../files/${wheelName}`, hashes: { sha256 } },
      ];
      response.end(JSON.stringify({ files }));
      return;
    }
    const whole = url.endsWith('.tgz') ? tarball : archive;
    const bytes = isSpoilt ? Buffer.alloc(whole.length, 1) : whole;
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from });
    if (breakAt !== undefined && !broken.has(url)) {
      broken.add(url);
      response.write(bytes.subarray(from, from + breakAt));
      setTimeout(() => response.destroy(), 200); // at once, and what was sent might not arrive either
      return;
    }
    response.end(bytes.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    environment: { npm_config_registry: `${base}/npm`, PIP_INDEX_URL: `${base}/simple` },
    requests,
    breakAfter: (bytes) => {
      breakAt = bytes;
    },
    spoil: () => {
      isSpoilt = true;
    },
  };
}

async function tgz(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, bytes] of Object.entries(files)) tar.entry({ name, mode: 0o755 }, bytes);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

/** As wheels are: compressed, but for what is too small for it. */
export function zip(files: Readonly<Record<string, Buffer>>, comment = ''): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const deflated = deflateRawSync(bytes);
    const isStored = deflated.length >= bytes.length;
    const content = isStored ? bytes : deflated;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(isStored ? 0 : 8, 8);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(5, 28); // extra fields of another length than in the directory, as tools write them
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(isStored ? 0 : 8, 10);
    entry.writeUInt32LE(content.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    const parts = [local, Buffer.from(name), Buffer.alloc(5), content];
    locals.push(...parts);
    entries.push(entry, Buffer.from(name));
    at += parts.reduce((sum, part) => sum + part.length, 0);
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...locals, directory, end, Buffer.from(comment)]);
}
