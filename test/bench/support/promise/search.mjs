/** The answer is this close. */
const WITHIN = 1.03;
const STEP = 1.25;

/**
 * The highest rate that holds, within three percent: by steps up or down from a first guess until it is
 * enclosed, then by halving.
 *
 * @param holds asked of a rate; rates above one that does not hold are taken not to
 * @returns 0 where none holds that is at least a tenth of the first
 */
export async function highestThatHolds(firstRate, mostRate, holds) {
  let low = firstRate;
  let high = firstRate;
  if (await holds(firstRate)) {
    do {
      low = high;
      high = Math.min(mostRate, high * STEP);
    } while (high < mostRate && (await holds(high)));
  } else {
    do {
      high = low;
      low /= STEP;
      if (low < firstRate / 10) return 0;
    } while (!(await holds(low)));
  }
  while (high / low > WITHIN) {
    const middle = Math.sqrt(low * high);
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
