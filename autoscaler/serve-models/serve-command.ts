import {
  defineProgram,
  option,
  remainingArguments,
  toggle,
} from '../../models/base/command-line/option-table.ts';
import { file, folder, oneOf, text, wholeNumber } from '../../models/base/command-line/parsers.ts';
import { parseDurationMs } from '../../models/base/units.ts';

/** The options of `infless serve`. */
const OPTIONS = {
  models: remainingArguments({
    argument: '<models...>',
    parse: file,
    help: 'model files, folders of them, or names of the zoo',
  }),
  slo: option({
    flag: '--slo <time>',
    parse: parseDurationMs,
    default: '200ms',
    help: 'latency that 99 % of the requests to each model are to keep',
  }),
  port: option({
    flag: '-p, --port <number>',
    parse: wholeNumber(0, 65_535),
    default: '8080',
    help: 'port to listen on; 0 picks a free one',
  }),
  host: option({
    flag: '--host <address>',
    parse: text,
    default: '127.0.0.1',
    help: 'address to listen on',
  }),
  measure: option({
    flag: '--measure <time>',
    parse: parseDurationMs,
    default: '30s',
    help: 'how long measuring a model may take for which there is no table yet',
  }),
  single: toggle({
    flag: '--single',
    help: 'one serving process without the autoscaler: one model, all cores, nothing is measured',
  }),
  ui: option({
    flag: '--ui <state>',
    parse: oneOf(['on', 'off']),
    default: 'on',
    help: 'whether there is a page for browsers, at /ui',
  }),
  stateDir: option({
    flag: '--state-dir <folder>',
    parse: folder,
    otherwise: 'a temporary one',
    help: 'folder that keeps what is known while it serves',
  }),
  logLevel: option({
    flag: '--log-level <level>',
    parse: oneOf(['debug', 'info', 'warn', 'error']),
    default: 'warn',
    help: 'least severe level to log',
  }),
};

/** `infless serve`: from model files to endpoints. */
export const serveCommand = defineProgram({
  name: 'serve',
  summary: 'Serve model files within a latency target: measure what is not known yet, and answer.',
  options: OPTIONS,
  notes: `
Examples:
  infless serve model.onnx --slo 200ms
  infless serve models/ mobilenet --slo 50ms --port 9000
  infless serve model.onnx --single

A model without a table of this machine is measured first, coarsely: for at most the time of --measure, by quotas of one
thread. It is kept. infless profile measures a precise one, which is used from the next start on.

Ctrl-C ends all. To keep functions over restarts, to give each its own SLO and limits, or to serve on a cluster, use
infless autoscaler.`,
  run: async (values) => {
    if (values.single) return (await import('./serve-single.ts')).serveSingle(values);
    return (await import('./serve-models.ts')).serveModels(values);
  },
});
