import { Command, Option } from 'commander';
import { oneOf } from '../../../models/base/command-line/parsers.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { parseRate } from '../../../profiler/load/arrivals/rates.ts';
import { ARRIVALS, parseProcess } from '../../../profiler/load/options.ts';
import type { NodeCapacity } from '../../cluster/node.ts';
import { DEFAULT_CONTROL_SETTINGS } from '../../control/settings.ts';
import { ServiceTimes } from '../../latency/service-times.ts';
import { RATE_MODEL_NAMES, rateModelByName } from '../../planning/capacity/rate-models.ts';
import { type ExplanationReport, explanationReport } from '../../planning/explain/explanation-report.ts';
import { planCluster } from '../../planning/planner.ts';
import { readCluster } from '../inputs/cluster-file.ts';
import { allowedOf, readPlannedFunctions } from '../inputs/functions.ts';
import { cvOf } from '../inputs/load.ts';
import { renderExplanation } from '../report/explanation-text.ts';
import { fetchExplanation } from './live-explanation.ts';

interface ExplainOptions {
  readonly url: string;
  readonly functions?: string;
  readonly rate?: string;
  readonly cluster?: string;
  readonly arrivals: string;
  readonly cv?: string;
  readonly rateModel: string;
  readonly json?: true;
}

/** `infless-autoscaler explain`: why a function gets the config it gets, of a running autoscaler or by its table. */
export function explainCommand(): Command {
  return new Command('explain')
    .description(
      'Tell what binds a function, what its config costs, what comes second, and what a looser SLO saves.',
    )
    .argument('<function>', 'its name')
    .option('--url <url>', 'the running autoscaler to ask', 'http://127.0.0.1:8080')
    .option('-f, --functions <file>', 'ask no autoscaler: functions with their tables')
    .option('--rate <number>', 'requests per second (of a running one by default those that come)')
    .option('-c, --cluster <file>', 'with --functions: the nodes; by default there is as much as it takes')
    .option('--arrivals <process>', 'with --functions: constant, poisson or gamma', 'poisson')
    .option('--cv <number>', 'coefficient of variation of gamma intervals')
    .addOption(
      new Option('--rate-model <name>', 'with --functions: how much an instance is counted on for')
        .choices(RATE_MODEL_NAMES)
        .default('percentile'),
    )
    .option('--json', 'write the explanation as JSON')
    .action(async (name: string, options: ExplainOptions) => {
      const report = await reportFor(name, options);
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : renderExplanation(report));
    });
}

function reportFor(name: string, options: ExplainOptions): Promise<ExplanationReport> {
  if (options.functions !== undefined) return offline(name, options.functions, options);
  const ratePerSecond = options.rate === undefined ? undefined : positiveRate(options.rate);
  return fetchExplanation(options.url, name, ratePerSecond);
}

async function offline(
  name: string,
  functionsFile: string,
  options: ExplainOptions,
): Promise<ExplanationReport> {
  if (options.rate === undefined) {
    throw new InflessError('INVALID_INPUT', 'Without a running autoscaler nobody knows the rate', {
      remedy: 'Give it, like --rate 50.',
    });
  }
  const expectedPerSecond = positiveRate(options.rate);
  const arrivalProcess = parseProcess(oneOf(ARRIVALS)(options.arrivals, '--arrivals'), options.cv);
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
    devices: Array.from({ length: 1_000 }, () => ({ gpuPercent: 100 })),
  },
];

function positiveRate(text: string): number {
  const rate = parseRate(text, '--rate');
  if (rate > 0) return rate;
  throw new InflessError('INVALID_INPUT', '--rate must be above 0', { remedy: 'Write it like --rate 50.' });
}
