/** Requests at a rate, however slow the answers are, and what came of each. */
import { Agent, request } from 'undici';
import { body, FUNCTION, SLO_MS } from './world.mjs';

export class Load {
  sent = 0;
  inTime = 0;
  late = 0;
  /** By what went wrong. */
  failures = new Map();
  #agent = new Agent({ connections: 200, connectTimeout: 5_000 });
  #underWay = new Set();
  #timer;
  #latestFailureAtMs = 0;

  /**
   * @param url a function that says where the gateway is
   * @param options `mark`: the mark of each body; `mayFail`: statuses that are right
   */
  constructor(url, { perSecond = 40, mark = () => 0, mayFail = [] } = {}) {
    this.url = url;
    this.mark = mark;
    this.mayFail = mayFail;
    const startMs = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startMs) / 1000) * perSecond;
      while (this.sent < due) this.#send();
    }, 5);
  }

  get failed() {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Since when nothing has failed, by `performance.now()`; 0 where nothing ever has. */
  get latestFailureAtMs() {
    return this.#latestFailureAtMs;
  }

  #send() {
    this.sent += 1;
    const call = this.#call(this.mark(this.sent)).finally(() => this.#underWay.delete(call));
    this.#underWay.add(call);
  }

  async #call(mark) {
    const startMs = performance.now();
    try {
      const { statusCode, body: answer } = await request(`${this.url()}/function/${FUNCTION.name}`, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: body(mark),
        headersTimeout: 60_000,
      });
      await answer.dump();
      if (statusCode !== 200 && !this.mayFail.includes(statusCode)) this.#failed(String(statusCode));
      else if (performance.now() - startMs <= SLO_MS) this.inTime += 1;
      else this.late += 1;
    } catch (error) {
      this.#failed(error.code ?? error.name);
    }
  }

  #failed(why) {
    this.failures.set(why, (this.failures.get(why) ?? 0) + 1);
    this.#latestFailureAtMs = performance.now();
  }

  /** Waits for the answers to come. */
  async end() {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    await this.#agent.destroy();
    return this.outcome;
  }

  get outcome() {
    const { sent, inTime, late, failed } = this;
    return { sent, inTime, late, failed };
  }

  /** In words, where there are any. */
  get failureText() {
    return [...this.failures].map(([why, count]) => `${count} × ${why}`).join(', ');
  }
}
