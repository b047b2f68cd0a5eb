import {
  argument,
  negatableOption,
  option,
  repeatable,
  toggle,
  type Values,
} from '../models/base/command-line/option-table.ts';
import { file, folder, oneOf, text, wholeNumber } from '../models/base/command-line/parsers.ts';
import { InflessError } from '../models/base/errors.ts';
import { parseCpuMillicores, parseDurationMs } from '../models/base/units.ts';
import { BATCHING_CHOICES } from '../models/manifest/manifest.ts';
import { BATCH_AXIS_OPTION, SAMPLE_OPTION, SHAPE_OPTION } from '../models/sample/options.ts';
import { modelReference } from '../models/zoo/names.ts';
import { ACCELERATORS, DEFAULT_BASE, DEFAULT_CUDA_BASE } from './contents/base/default-base.ts';
import { DIALECT_NAMES } from './emit/deployment.ts';

const LARGEST_BATCH = 4096;
/** Names that fit into the path of a request, `/v1/models/NAME`. */
const MODEL_NAME = /^[^/:?#%\s]+$/;

const TARGET = 'Where it goes';
const CONTENTS = 'What is in it';
const SERVING = 'How it serves';

const BASE = {
  flag: '--base <image>',
  key: 'base',
  parse: text,
  group: CONTENTS,
  help: "base image: host (this machine's Node.js), oci:FOLDER[:TAG], or a name in a registry",
};

/** Options of every command that builds an image. */
export const IMAGE_OPTIONS = {
  tag: option({
    flag: '-t, --tag <image>',
    key: 'tag',
    parse: text,
    group: TARGET,
    help: 'name of the image; it is pushed to its registry unless you say otherwise',
  }),
  output: option({
    flag: '-o, --output <target>',
    parse: text,
    group: TARGET,
    help: 'write it there: oci:FOLDER[:TAG] or docker-archive:FILE',
  }),
  insecure: toggle({ flag: '--insecure', group: TARGET, help: 'speak plain HTTP with the registry' }),
  base: option({ ...BASE, default: DEFAULT_BASE }),
  platform: option({
    flag: '--platform <list>',
    key: 'platforms',
    parse: (given) => given.split(','),
    otherwise: "this machine's, or the one that has the accelerator",
    group: CONTENTS,
    help: 'platforms: linux/amd64, linux/arm64, or both separated by a comma',
  }),
};

/** Beside a model: how it is packed, so that no one needs to remember the options. */
export const OPTIONS_FILE = 'infless.yaml';

/** The options of `infless-pack`. */
export const PACK_OPTIONS = {
  model: argument({
    argument: '<model>',
    parse: modelReference,
    help: 'a model file, a folder with one, or a model of the zoo: mobilenet, …',
  }),
  modelFile: option({
    key: 'model',
    parse: text,
    help: 'which file of the folder is the model; the options then apply to this one only',
  }),
  ...IMAGE_OPTIONS,
  base: option({ ...BASE, otherwise: `${DEFAULT_BASE}, or with --accelerator cuda ${DEFAULT_CUDA_BASE}` }),
  dockerfile: option({
    flag: '--dockerfile <folder>',
    parse: folder,
    group: TARGET,
    help: 'write a Dockerfile and the layers to this folder, to build it yourself',
  }),
  emit: option({
    flag: '--emit <platform>',
    parse: oneOf(DIALECT_NAMES),
    group: TARGET,
    help: 'print a deployment file for this platform',
  }),
  profile: negatableOption({
    flag: '--profile <file>',
    key: 'profile',
    parse: file,
    negation: 'pack no profile table',
    otherwise: 'one found for the model',
    group: CONTENTS,
    help: 'profile table to pack',
  }),
  accelerator: option({
    flag: '--accelerator <name>',
    key: 'accelerator',
    parse: oneOf(ACCELERATORS),
    group: CONTENTS,
    help: 'also pack the provider of this accelerator',
  }),
  cudaLibraries: repeatable({
    flag: '--cuda-libraries <folder>',
    key: 'cudaLibraries',
    parse: folder,
    group: CONTENTS,
    help: 'folder with the CUDA libraries that the base lacks, or one that pip installed them into',
  }),
  include: repeatable({
    flag: '--include <file>',
    key: 'include',
    addsToFile: true,
    parse: file,
    group: CONTENTS,
    help: 'pack another file of the model’s folder',
  }),
  modelName: option({
    flag: '--model-name <name>',
    key: 'name',
    parse: parseModelName,
    otherwise: 'that of the file',
    group: CONTENTS,
    help: 'name of the model in requests',
  }),
  sample: { ...SAMPLE_OPTION, key: 'sample', group: CONTENTS },
  shape: { ...SHAPE_OPTION, key: 'shapes', group: CONTENTS },
  batchAxis: { ...BATCH_AXIS_OPTION, key: 'batchAxis', group: CONTENTS },
  modelVersion: option({
    flag: '--model-version <version>',
    key: 'version',
    parse: text,
    otherwise: 'from its digest',
    group: CONTENTS,
    help: 'version of the model',
  }),
  source: option({
    flag: '--source <url>',
    key: 'source',
    parse: text,
    group: CONTENTS,
    help: 'where the model comes from',
  }),
  slo: option({
    flag: '--slo <duration>',
    key: 'slo',
    parse: parseSlo,
    group: SERVING,
    help: 'latency target at p99, like 200ms',
  }),
  batching: option({
    flag: '--batching <choice>',
    key: 'batching',
    parse: oneOf(BATCHING_CHOICES),
    default: 'proven',
    group: SERVING,
    help: 'which models share runs: proven, those shown to keep rows apart, or trust, any that declares rows',
  }),
  maxBatch: option({
    flag: '--max-batch <rows>',
    key: 'maxBatch',
    parse: wholeNumber(1, LARGEST_BATCH),
    otherwise: '8, in deployment files by the profile table',
    group: SERVING,
    help: 'largest batch',
  }),
  cpu: option({
    flag: '--cpu <cores>',
    parse: parseCpuMillicores,
    otherwise: 'by the profile table, else 1',
    group: SERVING,
    help: 'cores in the deployment file, like 0.5',
  }),
};

export type PackValues = Values<typeof PACK_OPTIONS>;

/** @throws InflessError INVALID_INPUT */
export function parseModelName(name: string): string {
  if (MODEL_NAME.test(name)) return name;
  throw new InflessError(
    'INVALID_INPUT',
    `"${name}" cannot be the name of a model in the path of a request`,
    {
      remedy: 'Give it one without / : ? # % or spaces, with --model-name.',
    },
  );
}

function parseSlo(given: string, name: string): number {
  const sloMs = parseDurationMs(given, name);
  if (sloMs >= 1) return sloMs;
  throw new InflessError('INVALID_INPUT', `${name} "${given}" is shorter than a millisecond`);
}
