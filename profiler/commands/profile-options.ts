import {
  argument,
  option,
  optionalValue,
  toggle,
  type Values,
} from '../../models/base/command-line/option-table.ts';
import { file, oneOf, text } from '../../models/base/command-line/parsers.ts';
import { BATCHING_CHOICES } from '../../models/manifest/manifest.ts';
import { BATCH_AXIS_OPTION, SAMPLE_OPTION, SHAPE_OPTION } from '../../models/sample/options.ts';
import { modelReference } from '../../models/zoo/names.ts';
import { TABLE_FORMATS } from '../../profiles/formats/index.ts';
import { parseBatches, parseCpus, parseGpuPercents } from '../sweep/grid.ts';
import { parseCount, parsePercent, parsePositiveMs, sloOptions } from './options.ts';

const GRID = 'What is measured';
const EFFORT = 'How precisely, and how long';
const PREDICTION = 'Prediction';
const ACCELERATOR = 'Accelerator';
const RESULT = 'Result';

/** The options of `infless-profile`, when no command is named. */
export const PROFILE_OPTIONS = {
  model: argument({
    argument: '<model>',
    parse: modelReference,
    help: 'a model file (.onnx, or the model.json of TF.js), a folder with one, or a model of the zoo: mobilenet, …',
  }),
  batches: option({
    flag: '--batches <list>',
    parse: parseBatches,
    otherwise: 'powers of two up to 32',
    group: GRID,
    help: 'batch sizes, like 1,2,4,8',
  }),
  cpus: option({
    flag: '--cpus <list>',
    parse: parseCpus,
    otherwise: 'a quarter of a core up to all',
    group: GRID,
    help: 'CPU quotas in cores, like 0.5,1,2',
  }),
  gpu: option({
    flag: '--gpu <list>',
    parse: parseGpuPercents,
    otherwise: '0, without',
    group: GRID,
    help: 'shares of the GPU in percent, like 0,25,50,100',
  }),
  shape: { ...SHAPE_OPTION, group: GRID },
  sample: { ...SAMPLE_OPTION, group: GRID },
  batchAxis: { ...BATCH_AXIS_OPTION, group: GRID },
  batching: option({
    flag: '--batching <choice>',
    parse: oneOf(BATCHING_CHOICES),
    default: 'proven',
    group: GRID,
    help: 'which models are measured in batches: proven, those shown to keep rows apart, or trust, any that declares rows',
  }),
  modelName: option({
    flag: '--model-name <name>',
    parse: text,
    otherwise: 'that of the file',
    group: GRID,
    help: 'name of the model in the table',
  }),
  quick: toggle({ flag: '--quick', group: EFFORT, help: 'a coarser grid, ±10 %, and about a second a cell' }),
  full: toggle({
    flag: '--full',
    group: EFFORT,
    help: 'measure every cell of the grid, instead of predicting most of them',
  }),
  predictionError: option({
    flag: '--prediction-error <percent>',
    parse: (given, name) => parsePercent(given, name, 0.1, 100),
    otherwise: '5%, or 30 % of the grid',
    group: EFFORT,
    help: 'measure until held-out cells are predicted this well in the median',
  }),
  maxTime: option({
    flag: '--max-time <duration>',
    parse: parsePositiveMs,
    otherwise: 'no limit',
    group: EFFORT,
    help: 'measure for at most this long, then predict the rest, like 3m',
  }),
  confidence: option({
    flag: '--confidence <percent>',
    parse: (given, name) => parsePercent(given, name, 50, 99.99),
    otherwise: '95%',
    group: EFFORT,
    help: 'confidence of the mean',
  }),
  error: option({
    flag: '--error <percent>',
    parse: (given, name) => parsePercent(given, name, 0.1, 50),
    otherwise: '3%',
    group: EFFORT,
    help: 'largest error of the mean at that confidence',
  }),
  cellTime: option({
    flag: '--cell-time <duration>',
    parse: parsePositiveMs,
    otherwise: '3s',
    group: EFFORT,
    help: 'most time for one cell',
  }),
  period: option({
    flag: '--period <duration>',
    parse: parsePositiveMs,
    otherwise: '10ms alone, as on this machine',
    group: EFFORT,
    help: 'also measure the cells that may be chosen under this period of CPU quotas, as in clusters: 100ms',
  }),
  refresh: optionalValue({
    flag: '--refresh [cells]',
    parse: text,
    group: EFFORT,
    help: 'measure only these cells of the table known again, like b4c0.5,b8c1, or those that the status of a function (address or file) says do not match; without a value those that may be chosen',
  }),
  resume: toggle({
    flag: '--resume',
    group: EFFORT,
    help: 'continue an interrupted sweep of the same model and options',
  }),
  predict: toggle({
    flag: '--predict',
    group: PREDICTION,
    help: 'predict all cells from operators of other models; see infless-profile operators --help',
  }),
  cells: option({
    flag: '--cells <count>',
    parse: parseCount,
    otherwise: '0',
    group: PREDICTION,
    help: 'with --predict: measure this many cells to correct the predictions',
  }),
  provider: option({
    flag: '--provider <name>',
    parse: text,
    otherwise: 'cuda where there is a GPU',
    group: ACCELERATOR,
    help: 'execution provider for shares of the GPU, like cuda or tensorrt; exit code 4 if it cannot be used',
  }),
  strict: toggle({
    flag: '--strict',
    group: ACCELERATOR,
    help: 'refuse a model if the provider leaves anything to the CPU',
  }),
  allowFallback: toggle({
    flag: '--allow-fallback',
    group: ACCELERATOR,
    otherwise: 'up to 2 % of the time',
    help: 'measure a model however much the provider leaves to the CPU',
  }),
  output: option({
    flag: '-o, --output <file>',
    parse: file,
    group: RESULT,
    help: 'also write the table to this file',
  }),
  format: option({
    flag: '--format <format>',
    parse: oneOf(TABLE_FORMATS),
    group: RESULT,
    help: 'format of the output file, or of standard output without one',
  }),
  replace: toggle({
    flag: '--replace',
    group: RESULT,
    help: 'keep the table in the cache in place of the one that is there, even if that is better',
  }),
  report: option({
    flag: '--report <file>',
    parse: file,
    group: RESULT,
    help: 'write a page with charts (HTML)',
  }),
  ...sloOptions('name the best config for this latency; exit code 1 if there is none', RESULT),
};

export type ProfileValues = Values<typeof PROFILE_OPTIONS>;
