/** How far back the running CV reaches: this long, but at least over GAP_MEMORY gaps. */
const MEMORY_MS = 30_000;
const GAP_MEMORY = 300;
const FEWEST_GAPS = 50;
/** A longer gap is a pause: it says something of the rate, nothing of how bursty the arrivals are. */
export const LONGEST_GAP_MS = 4_000;
/**
 * So is one that the stream's own gaps do not lead to expect: longer than this many mean gaps, times the
 * square of their CV, which is the scale of the tail of gamma gaps. About one in three
 * thousand gaps of a Poisson stream is as long.
 */
const UNEXPECTED = 8;
/** HABIT pauses, the longest at most ALIKE times the shortest, are no chance: they are part of the stream. */
const HABIT = 3;
const ALIKE = 3;
/**
 * While nothing arrives, what was seen of earlier arrivals counts half as much after so long: bursts that
 * come from one client, or one job of many, have no more to say once it has been gone for some such times.
 */
const HALF_LIFE_MS = 10 * 60_000;
/** The CV moves the plan only in steps, and only when it has clearly left the present one. */
const STEP = 0.5;
const FIRM = 0.7 * STEP;

interface Gap {
  readonly endMs: number;
  readonly ms: number;
}

/**
 * Coefficient of variation of the times between arrivals: 1 for a Poisson stream, more where they come in
 * bursts.
 */
export class ArrivalVariability {
  #lastArrivalMs: number | undefined;
  #fadedUntilMs = 0;
  /** The first gaps, until they are enough to tell which of them are pauses. */
  #first: Gap[] = [];
  /** Pauses, as long as it is open whether they are a habit. */
  #pauses: Gap[] = [];
  /** How many speak. Those of which a pause has left less count less than one each. */
  #gaps = 0;
  #meanGapMs = 0;
  #meanSquareMs2 = 0;
  #cv = 1;

  /** In steps; never below 1: calmer arrivals than Poisson's are not relied upon. */
  get cv(): number {
    return this.#cv;
  }

  observe(nowMs: number): void {
    const lastMs = this.#lastArrivalMs;
    this.fade(nowMs);
    this.#lastArrivalMs = nowMs;
    this.#fadedUntilMs = nowMs;
    if (lastMs === undefined || nowMs - lastMs > LONGEST_GAP_MS) return;
    const gap = { endMs: nowMs, ms: nowMs - lastMs };
    if (this.#gaps < FEWEST_GAPS) this.#begin(gap);
    else if (this.#isUnexpected(gap)) this.#addPause(gap);
    else this.#add(gap);
    if (this.#gaps >= FEWEST_GAPS && this.#meanGapMs > 0) this.#cv = this.#followed(this.#meanSquareMs2);
  }

  /** Gaps are few: those that are long among them come last, when the others tell whether they are pauses. */
  #begin(gap: Gap): void {
    this.#first.push(gap);
    if (this.#gaps + this.#first.length < FEWEST_GAPS) return;
    for (const each of this.#first.sort((a, b) => a.ms - b.ms)) {
      if (this.#gaps > 0 && this.#isUnexpected(each)) this.#pauses.push(each);
      else this.#add(each);
    }
    this.#first = [];
    this.#admitHabits();
  }

  #isUnexpected({ ms }: Gap): boolean {
    const mean = this.#meanGapMs;
    const tail = Math.max(mean, this.#meanSquareMs2 / mean - mean); // mean × CV²
    return mean > 0 && ms > UNEXPECTED * tail;
  }

  #addPause(pause: Gap): void {
    const sinceMs = pause.endMs - Math.max(MEMORY_MS, GAP_MEMORY * this.#meanGapMs);
    this.#pauses = this.#pauses.filter(({ endMs }) => endMs >= sinceMs);
    this.#pauses.push(pause);
    this.#admitHabits();
  }

  #admitHabits(): void {
    const byLength = [...this.#pauses].sort((a, b) => a.ms - b.ms);
    const habit = (from: number): readonly Gap[] => byLength.slice(from, from + HABIT);
    for (let from = 0; from + HABIT <= byLength.length; from += 1) {
      const [shortest, longest] = [habit(from)[0]!, habit(from).at(-1)!];
      if (longest.ms > ALIKE * shortest.ms) continue;
      for (const pause of habit(from)) this.#add(pause);
      this.#pauses = this.#pauses.filter((pause) => !habit(from).includes(pause));
      return;
    }
  }

  #add({ ms }: Gap): void {
    this.#gaps += 1;
    const weight = 1 / Math.min(this.#gaps, this.#memory); // plain means at first
    this.#meanGapMs += weight * (ms - this.#meanGapMs);
    this.#meanSquareMs2 += weight * (ms * ms - this.#meanSquareMs2);
  }

  /** What {@link cv} would be if it were left to fade until then; nothing changes. */
  cvAt(nowMs: number): number {
    if (this.#cv === 1 || !this.#isPause(nowMs)) return this.#cv;
    return this.#followed(this.#fadedSquare(this.#shareAt(nowMs)));
  }

  /** Lets what was learnt fade until now, if nothing has arrived for longer than a gap. */
  fade(nowMs: number): void {
    if (!this.#isPause(nowMs)) return;
    const share = this.#shareAt(nowMs);
    this.#fadedUntilMs = nowMs;
    this.#meanSquareMs2 = this.#fadedSquare(share);
    this.#gaps = Math.min(this.#gaps, this.#memory) * share;
    if (this.#cv > 1) this.#cv = this.#followed(this.#meanSquareMs2);
  }

  #isPause(nowMs: number): boolean {
    return nowMs - (this.#lastArrivalMs ?? nowMs) > LONGEST_GAP_MS;
  }

  /** What share counts then of what counted last. */
  #shareAt(nowMs: number): number {
    return 2 ** ((this.#fadedUntilMs - nowMs) / HALF_LIFE_MS);
  }

  #fadedSquare(share: number): number {
    const poisson = 2 * this.#meanGapMs ** 2;
    return poisson + share * (this.#meanSquareMs2 - poisson);
  }

  /** How many gaps are remembered. */
  get #memory(): number {
    return Math.max(GAP_MEMORY, MEMORY_MS / this.#meanGapMs);
  }

  #followed(meanSquareMs2: number): number {
    const variance = Math.max(0, meanSquareMs2 - this.#meanGapMs ** 2);
    const cv = Math.max(1, Math.sqrt(variance) / this.#meanGapMs);
    return Math.abs(cv - this.#cv) > FIRM ? Math.round(cv / STEP) * STEP : this.#cv;
  }
}
