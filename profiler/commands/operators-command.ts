import type { Command } from 'commander';
import { onInterrupt } from '../../models/base/command-line/interrupt.ts';
import { EXIT_INTERRUPTED } from '../../models/base/errors.ts';
import { ZOO_NAMES } from '../../models/zoo/names.ts';
import { formatConfig } from '../../profiles/config.ts';
import type { InputShapes } from '../cell/cell-protocol.ts';
import { gatherDatabase } from '../operators/database/gather-database.ts';
import { parseBatches } from '../sweep/grid.ts';
import { parsePositiveMs, parseShape } from './options.ts';

interface OperatorsOptions {
  readonly batches: number[];
  readonly runTime: number;
  readonly calibration: boolean;
  readonly rounds: number;
  readonly shape?: InputShapes;
}

/** `infless-profile operators`: what --predict predicts from. */
export function addOperatorsCommand(program: Command): void {
  program
    .command('operators')
    .description('gather what operators take on this host, which --predict predicts other models from')
    .argument('[models...]', `model files (.onnx) or names; default: ${ZOO_NAMES.join(', ')}`)
    .option('--batches <list>', 'batch sizes', (text: string) => parseBatches(text), [1, 4, 16])
    .option(
      '--run-time <duration>',
      'time for each batch and number of cores',
      (text: string) => parsePositiveMs(text, '--run-time'),
      300,
    )
    .option(
      '--rounds <n>',
      'times that everything is gathered, one after the other: the fastest counts',
      (text: string) => parseBatches(text, '--rounds')[0]!,
      3,
    )
    .option(
      '--shape <input=sizes>',
      'sizes of free dimensions, like images=1,3,640,640; repeatable',
      parseShape,
    )
    .option('--no-calibration', 'leave out the networks of usual layers that are gathered beside the models')
    .action(async (models: string[], options: OperatorsOptions) => {
      const interrupt = onInterrupt();
      try {
        const { file, engine } = await gatherDatabase(
          models.length > 0 ? models : ZOO_NAMES,
          {
            batches: options.batches,
            shapes: options.shape,
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
    });
}
