/**
 * P(|T| ≤ t) of Student's t with `degrees` degrees of freedom: the finite series for whole degrees
 * (Abramowitz and Stegun 26.7.3 and 26.7.4), exact up to rounding.
 */
function centralProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const cosine = Math.cos(angle);
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  const series = Math.sin(angle) * sum;
  return odd ? (2 / Math.PI) * (angle + series) : series;
}

/**
 * The half-width, in standard errors, of a two-sided confidence interval: `studentT(0.95, 9)` is 2.262.
 *
 * @param level in (0, 1)
 * @param degrees degrees of freedom, whole and at least 1
 */
export function studentT(level: number, degrees: number): number {
  let high = 1;
  while (centralProbability(high, degrees) < level) high *= 2;
  let low = high === 1 ? 0 : high / 2;
  // Bisection: 60 halvings reach the last bit, and nobody calls this in a loop that matters.
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (centralProbability(middle, degrees) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
