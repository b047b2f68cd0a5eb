import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BatchResponse } from './instance-protocol.ts';

/**
 * From a tenth of a millisecond to half a minute: small models answer in less than most default buckets tell.
 */
const SECONDS_BUCKETS = [
  0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
const SIZE_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128];

export interface Gauges {
  /** Requests waiting for their batch. */
  queueDepth(): number;
  /** Requests taken in and not answered yet. */
  inFlight(): number;
  /** Bytes of request bodies held. */
  bodyBytes(): number;
}

/** What `/metrics` tells. Every process has a registry of its own, so tests can have several in one. */
export class ServerMetrics {
  readonly registry = new Registry();
  readonly #requests: Counter<'code'>;
  readonly #batchRequests: Histogram;
  readonly #batchRows: Histogram;
  readonly #unbatched: Counter;
  readonly #audits: Counter;
  readonly #differing: Counter;
  readonly #queue: Histogram;
  readonly #decode: Histogram;
  readonly #execute: Histogram;
  readonly #encode: Histogram;
  readonly #load: Gauge;
  readonly #firstAnswer: Gauge;

  constructor(gauges: Gauges) {
    this.#requests = new Counter({
      name: 'infless_server_requests_total',
      help: 'Predictions answered, those inside a batch of the gateway included, by HTTP status.',
      labelNames: ['code'],
      registers: [this.registry],
    });
    this.#batchRequests = this.#sizes('batch_requests', 'Requests that ran together.');
    this.#batchRows = this.#sizes('batch_rows', 'Rows that ran together; a request may carry several.');
    this.#unbatched = new Counter({
      name: 'infless_server_unbatched_total',
      help: 'Batches whose requests ran one by one, because an output did not have the rows that went in.',
      registers: [this.registry],
    });
    this.#audits = new Counter({
      name: 'infless_batch_audit_total',
      help: 'Batches that were run again, each request alone, to compare the answers.',
      registers: [this.registry],
    });
    this.#differing = new Counter({
      name: 'infless_batch_audit_differing_total',
      help: 'Those of them in which an answer was another than alone.',
      registers: [this.registry],
    });
    this.#queue = this.#seconds('queue', 'Waiting for the batch to start; of requests batched here.');
    this.#decode = this.#seconds('decode', 'Bodies of a batch to tensors.');
    this.#execute = this.#seconds('execute', 'A batch through the model.');
    this.#encode = this.#seconds('encode', 'Tensors of a batch to answers.');
    this.#load = this.#gauge('model_load_seconds', 'Opening the model to a session that can run.');
    this.#firstAnswer = this.#gauge(
      'first_answer_seconds',
      'Process start to the first answer of the model.',
    );
    this.#gauge('queue_depth', 'Requests waiting for their batch.', gauges.queueDepth);
    this.#gauge('in_flight', 'Requests taken in and not answered yet.', gauges.inFlight);
    this.#gauge('body_bytes', 'Bytes of request bodies held.', gauges.bodyBytes);
    collectDefaultMetrics({ register: this.registry });
  }

  countAnswer(status: number): void {
    this.#requests.inc({ code: status });
  }

  observeWait(waitedMs: number): void {
    this.#queue.observe(waitedMs / 1000);
  }

  observeBatch({ responses, timing, ranAlone }: BatchResponse): void {
    if (ranAlone === undefined) this.#batchRequests.observe(responses.length);
    else {
      this.#unbatched.inc();
      for (const _ of responses) this.#batchRequests.observe(1);
    }
    this.#decode.observe(timing.decodeMs / 1000);
    if (timing.rows === 0) return; // nothing in it was fit to run
    if (ranAlone === undefined) this.#batchRows.observe(timing.rows);
    this.#execute.observe(timing.executeMs / 1000);
    this.#encode.observe(timing.encodeMs / 1000);
  }

  countAudit(isDiffering: boolean): void {
    this.#audits.inc();
    if (isDiffering) this.#differing.inc();
  }

  observeStart(loadMs: number, firstAnswerMs: number): void {
    this.#load.set(loadMs / 1000);
    this.#firstAnswer.set(firstAnswerMs / 1000);
  }

  #seconds(part: string, help: string): Histogram {
    return this.#histogram(`${part}_seconds`, help, SECONDS_BUCKETS);
  }

  #sizes(name: string, help: string): Histogram {
    return this.#histogram(name, help, SIZE_BUCKETS);
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: `infless_server_${name}`, help, buckets, registers: [this.registry] });
  }

  #gauge(name: string, help: string, read?: () => number): Gauge {
    return new Gauge({
      name: `infless_server_${name}`,
      help,
      registers: [this.registry],
      ...(read && {
        collect() {
          this.set(read());
        },
      }),
    });
  }
}
