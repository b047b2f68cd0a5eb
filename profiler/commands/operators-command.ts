import { onInterrupt } from '../../models/base/command-line/interrupt.ts';
import {
  defineProgram,
  option,
  remainingArguments,
  toggle,
  type Values,
} from '../../models/base/command-line/option-table.ts';
import { wholeNumber } from '../../models/base/command-line/parsers.ts';
import { EXIT_INTERRUPTED } from '../../models/base/errors.ts';
import { SHAPE_OPTION, shapesOf } from '../../models/sample/options.ts';
import { modelReference, ZOO_NAMES } from '../../models/zoo/names.ts';
import { formatConfig } from '../../profiles/config.ts';
import { gatherDatabase } from '../operators/database/gather-database.ts';
import { parseBatches } from '../sweep/grid.ts';
import { parsePositiveMs } from './options.ts';

const OPTIONS = {
  models: remainingArguments({
    argument: '[models...]',
    parse: modelReference,
    help: `model files (.onnx) or names; default: ${ZOO_NAMES.join(', ')}`,
  }),
  batches: option({ flag: '--batches <list>', parse: parseBatches, default: '1,4,16', help: 'batch sizes' }),
  runTime: option({
    flag: '--run-time <duration>',
    parse: parsePositiveMs,
    default: '300ms',
    help: 'time for each batch and number of cores',
  }),
  rounds: option({
    flag: '--rounds <n>',
    parse: wholeNumber(1, 1000),
    default: '3',
    help: 'how often everything is measured; the fastest counts',
  }),
  shape: SHAPE_OPTION,
  calibration: toggle({
    flag: '--no-calibration',
    help: 'do not measure the networks of usual layers beside the models',
  }),
};

/** `infless-profile operators`: what --predict predicts from. */
export const operatorsCommand = defineProgram({
  name: 'operators',
  summary: 'Measure operators on this host, so that --predict can predict other models from them.',
  options: OPTIONS,
  run: gather,
});

async function gather({ models, ...options }: Values<typeof OPTIONS>): Promise<void> {
  const interrupt = onInterrupt();
  try {
    const { file, engine } = await gatherDatabase(
      models.length > 0 ? models : ZOO_NAMES,
      {
        batches: options.batches,
        shapes: shapesOf(options.shape),
        budgetMs: options.runTime,
        calibration: options.calibration,
        rounds: options.rounds,
      },
      (model, config) => process.stderr.write(`${model} ${formatConfig(config)}\n`),
      interrupt.signal,
    );
    process.stderr.write(`Operators of ${engine} on this host saved as ${file}\n`);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write('\nInterrupted. The models that were done are kept.\n');
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    interrupt.release();
  }
}
