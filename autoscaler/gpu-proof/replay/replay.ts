import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InflessError } from '../../../models/base/errors.ts';
import { readTextIfPresent } from '../../../models/base/files.ts';
import { programFile } from '../../../models/base/package.ts';
import { parseWith } from '../../../models/base/schema.ts';
import { RECORDINGS_FILE, type Recordings, recordingsSchema } from '../card/recorded.ts';
import { faultsSchema, REPLAY_FOLDER } from './faults.ts';
import { writePrograms } from './programs.ts';

/** What is loaded before each program of a replay. */
export const REPLAYED_ENGINE = 'autoscaler/gpu-proof/replay/engine';

const FAULTS_FILE = 'faults.json';
/** What the tools answer once the card was partitioned, where that is played. */
const LATER_FILE = 'outputs-later.json';

/**
 * What plays the card: programs first on the PATH that answer as recorded, and a preload that takes the
 * engine's CUDA for its CPU. So all that is ours runs as it is, down to the boundary of the process.
 *
 * @param folder with the outputs that step a has kept, and faults, if any are to be played
 * @param work where the programs go
 * @returns what to add to the environment
 * @throws InflessError INVALID_INPUT
 */
export async function openReplay(folder: string, work: string): Promise<NodeJS.ProcessEnv> {
  const recordings = await read(join(folder, RECORDINGS_FILE));
  const later =
    (await readTextIfPresent(join(folder, LATER_FILE))) === undefined
      ? {}
      : await read(join(folder, LATER_FILE));
  const text = (await readTextIfPresent(join(folder, FAULTS_FILE))) ?? '{}';
  const faults = parseWith(faultsSchema, JSON.parse(text), { what: `${FAULTS_FILE} of the replay` });
  const programs = join(work, 'replay');
  await writePrograms(programs, recordings, later, faults);
  const preload = pathToFileURL(programFile(REPLAYED_ENGINE)).href;
  return {
    PATH: [programs, process.env.PATH].filter(Boolean).join(delimiter),
    NODE_OPTIONS: [process.env.NODE_OPTIONS, `--import=${preload}`].filter(Boolean).join(' '),
    [REPLAY_FOLDER]: programs,
    INFLESS_REPLAY_ENGINE: JSON.stringify(faults),
    CUDA_MPS_PIPE_DIRECTORY: undefined,
    CUDA_VISIBLE_DEVICES: undefined,
  };
}

async function read(file: string): Promise<Recordings> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InflessError('INVALID_INPUT', `${file} cannot be read, and a replay is made of it`, {
      remedy: `Give the folder with the ${RECORDINGS_FILE} that step a has kept.`,
      cause,
    });
  });
  return parseWith(recordingsSchema, JSON.parse(text), { what: file });
}
