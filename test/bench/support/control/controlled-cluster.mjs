import { pino } from 'pino';
import { Controller } from '../../../../dist/autoscaler/control/controller.js';
import { DEFAULT_CONTROL_SETTINGS } from '../../../../dist/autoscaler/control/settings.js';
import { percentileRateModel } from '../../../../dist/autoscaler/planning/capacity/percentile-rates.js';
import { VirtualClock } from '../../../../dist/models/base/virtual-clock.js';
import { STARTUP_MS } from './busy-functions.mjs';

/** Requests come in so many steps a tick, evenly: what is learnt of them is their rate. */
const ARRIVAL_STEPS = 10;
const REQUEST = { path: '/', contentType: 'text/plain', body: new Uint8Array() };

/**
 * The controller over a platform, with time that passes only when told to: rates are what they are made, and
 * what is measured is what a step takes. The API answers in real time.
 */
export class ControlledCluster {
  clock = new VirtualClock(Date.now());
  /** Starts and stops that the platform was asked for, and those it has answered. */
  begun = 0;
  moves = 0;
  lastMoveAtMs = 0;
  /** By id, what the platform has told of each instance that there is. */
  phases = new Map();
  /** How many of them are on their way. */
  starting = 0;
  #tickMs;
  #platform;
  #controller;
  #functions;
  /** How many times its usual rate each function is called. */
  #factors;
  /** Parts of requests that are due. */
  #due;
  #armedTimers = 0;
  #answeredBy;

  /** @param createPlatform of a clock */
  constructor(createPlatform, functions, { scope, tickMs = DEFAULT_CONTROL_SETTINGS.tickMs } = {}) {
    this.#tickMs = tickMs;
    this.#functions = functions;
    this.#factors = functions.map(() => 1);
    this.#due = functions.map((_, index) => (index * 0.618) % 1);
    this.#platform = this.#counted(this.#heard(createPlatform(this.clock)));
    this.#controller = new Controller({
      platform: this.#platform,
      clock: this.#watched(this.clock),
      transport: { send: (url) => this.#answer(url) },
      rates: percentileRateModel,
      ...(scope === undefined ? {} : { scope }),
      settings: { ...DEFAULT_CONTROL_SETTINGS, tickMs },
      logger: pino({ level: 'silent' }),
    });
  }

  async open() {
    await this.#controller.open();
    for (const { declared } of this.#functions) this.#controller.deploy(declared);
    this.#controller.run();
    await this.atRest();
  }

  close() {
    return this.#controller.close('leave');
  }

  /** For a platform that learns what there is by asking only. */
  async look() {
    await this.#platform.nodes();
  }

  setFactor(index, factor) {
    this.#factors[index] = factor;
  }

  /**
   * One step of the loop. Returns how long it took, in ms, from the moment it was due until all it decided
   * was accepted.
   */
  async tick() {
    for (let step = 1; step <= ARRIVAL_STEPS; step += 1) {
      const stepMs = this.#tickMs / ARRIVAL_STEPS;
      this.#arrive(stepMs / 1000);
      if (step < ARRIVAL_STEPS) this.clock.runUntil(this.clock.nowMs() + stepMs);
    }
    const fromMs = performance.now();
    this.clock.runUntil(this.clock.nowMs() + this.#tickMs / ARRIVAL_STEPS);
    await this.atRest();
    return performance.now() - fromMs;
  }

  /** No step is under way: the next one waits for its time. */
  async atRest() {
    do await turn();
    while (this.#armedTimers === 0);
  }

  /** One instance answers a request, and so has shown that it works. Returns its id. */
  async oneThatWorks(index) {
    const managed = this.#controller.find(this.#functions[index].name);
    this.#answeredBy = undefined;
    await managed.dispatcher.submit(REQUEST, this.clock.nowMs());
    return this.#controller.instancesOf(managed.name).find(({ url }) => url === this.#answeredBy)?.id;
  }

  /** Lets all that is under way happen, but no time pass, until a condition holds. */
  async until(condition, limitMs = 60_000) {
    const giveUpAtMs = performance.now() + limitMs;
    while (!condition()) {
      if (performance.now() > giveUpAtMs)
        throw new Error(`did not happen within ${limitMs} ms: ${condition}`);
      await turn();
    }
  }

  #arrive(seconds) {
    for (const [index, { name, ratePerSecond }] of this.#functions.entries()) {
      this.#due[index] += ratePerSecond * this.#factors[index] * seconds;
      if (this.#due[index] < 1) continue;
      const managed = this.#controller.find(name);
      for (; this.#due[index] >= 1; this.#due[index] -= 1) this.#controller.observeArrival(managed);
    }
  }

  async #answer(url) {
    this.#answeredBy = url;
    const timing = { decodeMs: 0, executeMs: 100, encodeMs: 0, rows: 1 };
    return { responses: [{ status: 200, contentType: 'text/plain', body: new Uint8Array() }], timing };
  }

  /** The controller sets a timer when a step has ended. */
  #watched(clock) {
    return {
      nowMs: () => clock.nowMs(),
      at: (atMs, callback) => {
        let isArmed = true;
        const disarm = () => {
          if (isArmed) this.#armedTimers -= 1;
          isArmed = false;
        };
        this.#armedTimers += 1;
        const cancel = clock.at(atMs, () => {
          disarm();
          callback();
        });
        return () => {
          disarm();
          cancel();
        };
      },
    };
  }

  #heard(platform) {
    const open = platform.open.bind(platform);
    platform.open = (listener) =>
      open((event) => {
        this.#note(event);
        listener({ ...event, instance: onOurTime(event.instance) });
      });
    return platform;
  }

  #note({ type, instance: { id, phase } }) {
    if (this.phases.get(id) === 'starting') this.starting -= 1;
    if (type === 'gone') {
      this.phases.delete(id);
      return;
    }
    this.phases.set(id, phase);
    if (phase === 'starting') this.starting += 1;
  }

  #counted(platform) {
    for (const move of ['start', 'stop']) {
      const act = platform[move].bind(platform);
      platform[move] = async (...what) => {
        this.begun += 1;
        try {
          await act(...what);
        } finally {
          this.moves += 1;
          this.lastMoveAtMs = performance.now();
        }
      };
    }
    return platform;
  }
}

/** Nodes tell when pods got ready in real time, which has nothing to do with ours. */
function onOurTime(instance) {
  return instance.readyAtMs === undefined
    ? instance
    : { ...instance, readyAtMs: instance.startedAtMs + STARTUP_MS };
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}
