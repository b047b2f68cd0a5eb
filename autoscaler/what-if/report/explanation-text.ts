import { formatDuration } from '../../../models/base/units.ts';
import type { ExplanationReport, SetReport } from '../../planning/explain/explanation-report.ts';
import { percent, short } from './figures.ts';

const CONSTRAINTS: Readonly<Record<ExplanationReport['constraint'], string>> = {
  'slo-tail': 'the tail of the SLO',
  throughput: 'throughput',
  none: 'nothing',
  'one-instance': 'one instance, which is the least',
  'max-instances': 'the most instances that are allowed',
  'cluster-cpu': 'the CPU of the cluster',
  'cluster-gpu': 'the GPUs of the cluster',
  'cluster-memory': 'the memory of the cluster',
  'cluster-gpu-memory': 'the memory of the cluster’s GPUs',
};

/** An explanation as people read it in a terminal. */
export function renderExplanation(report: ExplanationReport): string {
  const { name, sloMs, percentile, chosen, runnerUp, looser, running, missingPerSecond, tableMismatch } =
    report;
  const lines: [string, string][] = [
    ['demand', demandText(report)],
    ...(running === null ? [] : ([['running', runningText(running)]] as [string, string][])),
    ['binding', `${CONSTRAINTS[report.constraint]}\n${report.why}`],
    ['chosen', chosen === null ? 'nothing' : chosenText(chosen, report)],
    ...(missingPerSecond > 0
      ? ([['short of', `${short(missingPerSecond)} requests/s, even so`]] as [string, string][])
      : []),
    ...(tableMismatch === undefined ? [] : ([['table', tableMismatch]] as [string, string][])),
    ['runner-up', runnerUp === null ? 'none' : `${runnerUp.set.text}, ${extra(runnerUp.extraShare)}`],
    ['looser SLO', looser === null ? 'would save nothing' : looserText(looser)],
  ];
  const body = lines.map(
    ([label, text]) => `  ${label.padEnd(11)}${text.replaceAll('\n', `\n${' '.repeat(13)}`)}`,
  );
  return `${name}: ${formatDuration(sloMs)} at p${percentile}\n\n${body.join('\n')}\n`;
}

function demandText({ ratePerSecond, neededPerSecond, arrivalCv }: ExplanationReport): string {
  return `${short(ratePerSecond)} requests/s, with headroom ${short(neededPerSecond)}; intervals have a CV of ${short(arrivalCv)}`;
}

function runningText(running: NonNullable<ExplanationReport['running']>): string {
  if (running.length === 0) return 'nothing';
  return running.map(({ instances, configText }) => `${instances} × ${configText}`).join(' + ');
}

function chosenText(set: SetReport, { sloMs, percentile, ratePerSecond }: ExplanationReport): string {
  const { capacityPerSecond, gflops, batchTailMs, forecast } = set;
  const lines = [
    `${set.text}, carries ${short(capacityPerSecond)} requests/s, ${short(gflops)} GFLOPS`,
    `a full batch takes ${formatDuration(batchTailMs)} at p${percentile}, of ${formatDuration(sloMs)}`,
  ];
  if (forecast !== null) {
    lines.push(
      `predicted: p99 ${formatDuration(forecast.p99Ms)}, ${percent(forecast.violationShare)} later than the SLO`,
    );
  } else if (ratePerSecond > capacityPerSecond) {
    lines.push(`above what it carries: ${short(ratePerSecond - capacityPerSecond)} requests/s are late`);
  }
  return lines.join('\n');
}

function looserText({ sloMs, set, savedShare }: NonNullable<ExplanationReport['looser']>): string {
  return `from ${formatDuration(sloMs)} on, ${set.text} would do: ${percent(savedShare)} less`;
}

/** A larger set may be the runner-up at no more cost. */
function extra(share: number): string {
  return share <= 0 ? 'at the same cost' : `${percent(share)} more`;
}
