import { studentT } from '../../../../dist/profiles/statistics.js';

/** Of requests, that may be late. */
export const ALLOWED = 0.01;
const LEVEL = 0.95;

/**
 * What windows of a run say together. The interval is the wider of two: binomial over all requests (Clopper
 * and Pearson), and Student's t over the windows, whose requests are late together.
 *
 * @param windows each with `requests` and `late`
 */
export function verdictOf(windows) {
  const requests = sum(windows, (each) => each.requests);
  const late = sum(windows, (each) => each.late);
  const share = late / requests;
  const half = windows.length < 2 ? 0 : studentT(LEVEL, windows.length - 1) * errorOf(windows, share);
  const interval = [
    Math.max(0, Math.min(share - half, clopperPearson(late, requests, 'low'))),
    Math.min(1, Math.max(share + half, clopperPearson(late, requests, 'high'))),
  ];
  return { requests, late, violationShare: share, interval, broken: interval[0] > ALLOWED };
}

/** Of the mean over windows. */
function errorOf(windows, share) {
  const squares = sum(windows, ({ requests, late }) => (late / requests - share) ** 2);
  return Math.sqrt(squares / (windows.length - 1) / windows.length);
}

/** The share under which as many late ones, or as few, would be seen once in forty times. */
function clopperPearson(late, requests, end) {
  if (end === 'low' && late === 0) return 0;
  if (end === 'high' && late === requests) return 1;
  const tail = (1 - LEVEL) / 2;
  let low = 0;
  let high = 1;
  for (let step = 0; step < 50; step += 1) {
    const p = (low + high) / 2;
    const isAbove =
      end === 'low' ? 1 - atMost(late - 1, requests, p) > tail : atMost(late, requests, p) < tail;
    if (isAbove) high = p;
    else low = p;
  }
  return (low + high) / 2;
}

/** P(X ≤ k) of a binomial. */
function atMost(k, n, p) {
  if (p <= 0) return 1;
  if (p >= 1) return k >= n ? 1 : 0;
  let log = n * Math.log1p(-p);
  let total = Math.exp(log);
  for (let i = 1; i <= k; i += 1) {
    log += Math.log((n - i + 1) / i) + Math.log(p) - Math.log1p(-p);
    total += Math.exp(log);
  }
  return Math.min(1, total);
}

function sum(values, of) {
  return values.reduce((total, value) => total + of(value), 0);
}
