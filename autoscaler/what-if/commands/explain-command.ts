import {
  argument,
  defineProgram,
  option,
  toggle,
  type Values,
} from '../../../models/base/command-line/option-table.ts';
import { file, oneOf, text } from '../../../models/base/command-line/parsers.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { parseRate } from '../../../profiler/load/arrivals/rates.ts';
import { LOAD_OPTIONS, parseProcess } from '../../../profiler/load/options.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import { DEFAULT_CONTROL_SETTINGS } from '../../control/settings.ts';
import { explainAt, JOURNAL_PATH } from '../../journal/commands.ts';
import { ServiceTimes } from '../../latency/service-times.ts';
import { RATE_MODEL_NAMES, rateModelByName } from '../../planning/capacity/rate-models.ts';
import { type ExplanationReport, explanationReport } from '../../planning/explain/explanation-report.ts';
import { planCluster } from '../../planning/planner.ts';
import { cvOf } from '../inputs/load.ts';
import { renderExplanation } from '../report/explanation-text.ts';
import { fetchExplanation } from './live-explanation.ts';

const OFFLINE = 'Without a running autoscaler';

const OPTIONS = {
  function: argument({ argument: '<function>', parse: text, help: 'name of the function' }),
  url: option({
    flag: '--url <url>',
    parse: text,
    default: 'http://127.0.0.1:8080',
    help: 'URL of the running autoscaler',
  }),
  rate: option({
    flag: '--rate <number>',
    parse: positiveRate,
    otherwise: 'as measured, of a running autoscaler',
    help: 'requests per second',
  }),
  at: option({
    flag: '--at <time>',
    parse: text,
    otherwise: 'now',
    help: 'what was decided by then, of the journal: 12:03, 12:03:20 or a date of ISO 8601',
  }),
  journal: JOURNAL_PATH,
  json: toggle({ flag: '--json', help: 'write the explanation as JSON' }),
  functions: option({
    flag: '-f, --functions <file>',
    parse: file,
    group: OFFLINE,
    help: "explain by these functions' tables, without a running autoscaler",
  }),
  cluster: option({
    flag: '-c, --cluster <file>',
    parse: file,
    otherwise: 'unlimited',
    group: OFFLINE,
    help: 'the nodes',
  }),
  arrivals: { ...LOAD_OPTIONS.arrivals, group: OFFLINE },
  cv: { ...LOAD_OPTIONS.cv, group: OFFLINE },
  rateModel: option({
    flag: '--rate-model <name>',
    parse: oneOf(RATE_MODEL_NAMES),
    default: 'percentile',
    group: OFFLINE,
    help: 'how the capacity of an instance is predicted',
  }),
};

type ExplainValues = Values<typeof OPTIONS>;

/**
 * `infless-autoscaler explain`: why a function gets the config it gets, of a running autoscaler or by its
 * table.
 */
export const explainCommand = defineProgram({
  name: 'explain',
  summary:
    "Explain a function's config: what binds it, what it costs, the runner-up, and what a looser SLO saves.",
  options: OPTIONS,
  run: async (values) => {
    if (values.at !== undefined) {
      const { text: told, recorded } = await explainAt(values.function, values.at, values.journal);
      process.stdout.write(values.json ? `${JSON.stringify(recorded)}\n` : told);
      return;
    }
    const report = await reportFor(values);
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : renderExplanation(report));
  },
});

function reportFor(options: ExplainValues): Promise<ExplanationReport> {
  if (options.functions !== undefined) return offline(options.functions, options);
  return fetchExplanation(options.url, options.function, options.rate);
}

async function offline(functionsFile: string, options: ExplainValues): Promise<ExplanationReport> {
  const { function: name, rate: expectedPerSecond } = options;
  if (expectedPerSecond === undefined) {
    throw new InflessError('INVALID_INPUT', 'Without a running autoscaler the rate is not known', {
      remedy: 'Give it, like --rate 50.',
    });
  }
  const [{ readCluster }, { allowedOf, readPlannedFunctions }] = await Promise.all([
    import('../inputs/cluster-file.ts'),
    import('../inputs/functions.ts'),
  ]);
  const arrivalProcess = parseProcess(options.arrivals, options.cv);
  const cluster = options.cluster === undefined ? undefined : await readCluster(options.cluster);
  const functions = await readPlannedFunctions(functionsFile);
  const planned = functions.find(({ spec }) => spec.name === name);
  if (planned === undefined) {
    throw new InflessError('FUNCTION_NOT_FOUND', `${functionsFile} declares no function "${name}"`, {
      remedy: `It declares: ${functions.map(({ spec }) => spec.name).join(', ')}.`,
    });
  }
  const { spec, table } = planned;
  const slo = { sloMs: spec.slo, percentile: spec.percentile, arrivalCv: cvOf(arrivalProcess) };
  const rates = rateModelByName(options.rateModel);
  const ratePerSecond = expectedPerSecond * DEFAULT_CONTROL_SETTINGS.headroom;
  const demand = { name, ...slo, ratePerSecond, recentRatePerSecond: ratePerSecond, ...allowedOf(planned) };
  const nodes = cluster?.nodes ?? AS_MUCH_AS_IT_TAKES;
  const decision = planCluster({
    demands: [demand],
    cluster: { nodes, instances: [], leaving: [] },
    rates,
  }).functions[0]!;
  return explanationReport({
    decision,
    candidates: demand.candidates,
    slo,
    rates,
    ratePerSecond,
    expectedPerSecond,
    fewest: demand.warmInstances,
    times: new ServiceTimes(table),
    running: null,
  });
}

/** Room for any number of instances of any config. */
const AS_MUCH_AS_IT_TAKES: readonly NodeCapacity[] = [
  {
    name: 'any',
    shared: { cpuMillicores: 1e9, memoryBytes: 1e18 },
    devices: Array.from({ length: 1_000 }, () => ({ gpuPercent: 100, gpuMemoryBytes: Infinity })),
  },
];

function positiveRate(given: string, name: string): number {
  const rate = parseRate(given, name);
  if (rate > 0) return rate;
  throw new InflessError('INVALID_INPUT', `${name} must be above 0`, { remedy: 'Write it like --rate 50.' });
}
