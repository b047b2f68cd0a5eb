import Table from 'cli-table3';
import { quantile } from '../../../../dist/profiles/statistics.js';

/** What `--json` prints. */
export function reportOf({ promises, searches, given, leftOut }) {
  const local = promises.filter(({ period }) => period !== '100ms');
  const kubelet = promises.filter(({ period }) => period === '100ms');
  const shares = searches.flatMap(({ rateShare }) => rateShare ?? []).sort((a, b) => a - b);
  const windows = promises.flatMap((each) => each.windows);
  return {
    benchmark: 'promise',
    ...counts(local),
    medianRateShare: shares.length === 0 ? null : quantile(shares, 0.5),
    period100: counts(kubelet),
    given,
    windows: windows.length,
    repeated: promises.reduce((sum, { repeated }) => sum + repeated, 0),
    disturbed: windows.filter(({ disturbed }) => disturbed !== undefined).length,
    leftOut,
    searches,
    cases: promises,
  };
}

function counts(promises) {
  const kept = promises.filter(({ broken }) => !broken).length;
  return {
    promises: promises.length,
    kept,
    keptShare: promises.length === 0 ? null : kept / promises.length,
  };
}

export function print(report) {
  const table = new Table({
    head: ['model', 'period', 'SLO', 'what', 'promised', 'late', 'interval', 'p99', 'windows', ''],
    colAligns: ['left', 'right', 'right', 'left', 'right', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const each of report.cases) {
    const { model, period, sloMs, text, ratePerSecond, violationShare, interval, windows, repeated } = each;
    const p99s = windows.map(({ p99Ms }) => p99Ms).sort((a, b) => a - b);
    table.push([
      model,
      period,
      `${sloMs.toPrecision(3)} ms`,
      text,
      `${ratePerSecond.toPrecision(3)}/s`,
      percent(violationShare),
      interval.map(percent).join('–'),
      `${p99s[Math.floor(p99s.length / 2)].toPrecision(3)} ms`,
      `${windows.length}${repeated > 0 ? ` (+${repeated})` : ''}`,
      each.broken ? 'BROKEN' : 'kept',
    ]);
  }
  console.log(table.toString());
  for (const { model, sloMs, text, promisedPerSecond, highestPerSecond, rateShare } of report.searches) {
    console.log(
      `${model}, ${sloMs.toPrecision(3)} ms, ${text}: ${promisedPerSecond.toPrecision(3)}/s promised of ${highestPerSecond.toPrecision(3)}/s that hold (${percent(rateShare)})`,
    );
  }
  console.log(report.given);
  console.log(
    `${report.repeated} windows repeated for steal, other programs or a slow reference run; ${report.disturbed} of ${report.windows} counted all the same.`,
  );
  if (report.leftOut.length > 0) console.log(`Left out for lack of time: ${report.leftOut.join(', ')}.`);
  console.log(line('Kept', report));
  console.log(line('Kept under a period of 100 ms', report.period100));
  if (report.medianRateShare !== null)
    console.log(`Promised of the highest rate that holds, median: ${percent(report.medianRateShare)}`);
}

function line(title, { kept, promises, keptShare }) {
  return `${title}: ${kept} of ${promises}${keptShare === null ? '' : ` (${percent(keptShare)})`}`;
}

function percent(share) {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}
