import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { packageRoot, programFile } from '../../../models/base/package.ts';
import { onnxEngine } from '../../../models/engines/onnx/engine.ts';
import { fileEntry, textEntry, treeEntry } from '../../../packager/contents/file-entry.ts';
import { mapInSlices } from '../../../packager/contents/in-slices.ts';
import { type Program, programPath } from '../../../packager/contents/runtime/program.ts';
import { runtimePath } from '../../../packager/contents/runtime/project.ts';
import { traceRuntime } from '../../../packager/contents/runtime/trace.ts';
import type { Platform } from '../../../packager/oci/schema.ts';
import { tarOf } from '../../../packager/tar/tar.ts';
import type { TarEntry } from '../../../packager/tar/tar-entry.ts';
import { REPLAYED_ENGINE } from '../replay/replay.ts';
import { brotli } from './brotli.ts';
import { RUN_SCRIPT, runScript } from './shell.ts';

const ENTRY = 'autoscaler/gpu-proof/bin';
/** How files are called that run as processes and threads of their own. */
const PROGRAM_FILE = /(?:^|\/)(?:bin|worker|[\w-]+-(?:process|worker))\.js$/;

/** All that the proof starts: its steps, and the programs of ours that these drive. */
async function proofProgram(): Promise<Program> {
  const built = join(packageRoot, 'dist');
  const files = await readdir(built, { recursive: true });
  const others = files
    .map((file) => file.split(sep).join('/'))
    .filter((file) => PROGRAM_FILE.test(file) && !file.startsWith('test/'))
    .map((file) => file.slice(0, -'.js'.length));
  return {
    entry: ENTRY,
    others: [...others.filter((file) => file !== ENTRY).sort(), REPLAYED_ENGINE],
    formats: [onnxEngine.format],
  };
}

const MODIFIED = new Date(0);

/** Node.js, our programs and the packages that they load; of the engine only what is JavaScript. */
export async function appArchive(node: string): Promise<Readable> {
  const program = await proofProgram();
  const files = await traceRuntime(program);
  const script = textEntry(RUN_SCRIPT, runScript(programPath(program).slice(1)));
  const entries: readonly TarEntry[] = [
    { ...(await fileEntry('bin/node', node)), mode: 0o755 },
    { ...script, mode: 0o755 },
    ...(await mapInSlices(files, (file) => treeEntry(runtimePath(file), file))),
  ];
  const gzip = createGzip({ level: 9 });
  return (await tarOf(entries, MODIFIED)).open().compose(gzip) as unknown as Readable;
}

/**
 * The engine's libraries of a platform, and beside them those of a provider.
 *
 * @param providers by the names that they are to have
 */
export async function engineArchive(
  platform: Platform,
  providers: ReadonlyMap<string, string>,
): Promise<Readable> {
  const manifest = createRequire(programFile(ENTRY)).resolve('onnxruntime-node/package.json');
  const native = await onnxEngine.runtime.native!.files(manifest, platform);
  const folder = dirname(runtimePath(native[0]!));
  const entries = await Promise.all([
    ...native.map((file) => fileEntry(join(folder, basename(file)), file)),
    ...[...providers].map(([name, file]) => fileEntry(join(folder, name), file)),
  ]);
  return (await tarOf(entries, MODIFIED)).open().compose(brotli()) as unknown as Readable;
}
