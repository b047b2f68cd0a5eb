import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cannotWrite, writeFileSafely } from '../../../base/files.ts';
import type { ModelFile } from '../../../manifest/manifest.ts';
import type { NamedTensors } from '../../../manifest/tensor.ts';
import { type EngineResources, threadRule } from '../../engine.ts';
import { providerFor } from '../../provider.ts';
import { createSession, runSession } from '../session.ts';

/** Runs of a model as the runtime's own profile tells them. */
export interface Recording {
  /** A Chrome trace. */
  readonly trace: string;
  /** The graph that ran, after the runtime's optimisations; there until the recording has been read. */
  readonly optimizedFile: string;
}

/**
 * Runs a model under the runtime's profile.
 *
 * @param goesOn whether another run follows those that there were
 * @param optimized whether the optimised graph is wanted as well
 * @param read makes of the recording what is wanted of it: its files are gone afterwards
 * @throws InflessError as the engine's `tracing`; STORAGE_FAILED where there is no room for the recording
 */
export async function record<T>(
  { path, manifest }: ModelFile,
  resources: EngineResources,
  feeds: NamedTensors,
  { goesOn, optimized }: { readonly goesOn: (runs: number) => boolean; readonly optimized: boolean },
  read: (recording: Recording) => T,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'infless-trace-')).catch((error: unknown) => {
    throw cannotWrite('Folder', join(tmpdir(), 'infless-trace-'), error, REMEDY);
  });
  const optimizedFile = join(folder, 'optimized.onnx');
  try {
    const { runtime, session } = await createSession(path, threadRule(resources.cpuMillicores), resources, {
      filePrefix: join(folder, 'trace'),
      ...(optimized ? { optimizedFile } : {}),
    });
    for (let runs = 0; goesOn(runs); runs += 1) {
      await runSession(runtime, session, manifest.name, feeds, providerFor(resources));
    }
    session.endProfiling();
    await session.release();
    const file = (await readdir(folder)).find((name) => name.startsWith('trace_'))!;
    return read({ trace: await readFile(join(folder, file), 'utf8'), optimizedFile });
  } catch (error) {
    await requireRoom(folder);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const REMEDY = 'Make room there, or set TMPDIR to a folder that has room.';

/** About as much as a recording has. */
const ROOM_BYTES = 64 << 10;

/** On a full disk the runtime writes half of its files without a word, or says that the model is at fault. */
function requireRoom(folder: string): Promise<void> {
  return writeFileSafely(join(folder, 'room'), new Uint8Array(ROOM_BYTES), REMEDY);
}
