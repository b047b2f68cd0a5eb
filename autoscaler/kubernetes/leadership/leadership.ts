import type { Logger } from 'pino';
import { type Cancel, type Clock, pause } from '../../../models/base/clock.ts';
import { messageOf } from '../../../models/base/errors.ts';
import { isAlreadyExists, isConflict } from '../api-errors.ts';
import { DEFAULT_ELECTION_SETTINGS, Election, type ElectionSettings } from './election.ts';
import type { Candidate, Lease } from './lease.ts';

/** A request that takes longer has failed as far as renewing is concerned: the next one may be quicker. */
const REQUEST_TIMEOUT_MS = 3_000;
const RETRY_MS = 1_000;

/** The one object of its kind that matters here. All but `onChange` throw what the API says. */
export interface LeaseAccess {
  get(): Promise<Lease | undefined>;
  create(lease: Lease): Promise<Lease>;
  /** @throws ApiError 409 when it is not the version any more that the given one was read as */
  replace(lease: Lease): Promise<Lease>;
  /** Told of the lease whenever it changes; undefined when it is deleted. Returns how to be told no more. */
  onChange(listener: (lease: Lease | undefined) => void): () => void;
}

export interface LeadershipOptions {
  readonly leaseName: string;
  readonly candidate: Candidate;
  readonly lease: LeaseAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told when it begins to lead, and when it does so no more. */
  readonly onChange: (isLeader: boolean) => void;
  readonly settings?: ElectionSettings;
  /** Uniform in [0, 1); spreads the attempts of candidates that were refused together. */
  readonly random?: () => number;
}

/**
 * Takes part in the election from {@link start} on: bids for the lease, renews it while it leads, gives it
 * back at the end.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #settings: ElectionSettings;
  readonly #election: Election;
  readonly #stop = new AbortController();
  #unsubscribe: (() => void) | undefined;
  #cancelBid: Cancel | undefined;
  #cancelEnd: Cancel | undefined;
  #bidding: Promise<void> | undefined;
  #wasLeader = false;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    const { leaseName, candidate, settings = DEFAULT_ELECTION_SETTINGS } = options;
    this.#settings = settings;
    this.#election = new Election(leaseName, candidate, settings);
  }

  /**
   * Whether it leads at this very moment, even if its timers are late. Ask before anything only a leader may
   * do.
   */
  get isLeader(): boolean {
    return !this.#isStopped && this.#election.isLeader(this.#options.clock.nowMs());
  }

  /** Where the gateway of another answers that leads, for all that is known. */
  get leaderUrl(): string | undefined {
    return this.#election.leaderUrl(this.#options.clock.nowMs());
  }

  start(): void {
    this.#unsubscribe = this.#options.lease.onChange((lease) => this.#saw(lease));
    this.#plan();
  }

  /** Leads no more, at once; then gives the lease back, so that another can lead without waiting. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#stop.abort();
    this.#unsubscribe?.();
    this.#cancelBid?.();
    this.#update();
    await this.#bidding; // what is under way may still change the version
    const { lease, clock, logger } = this.#options;
    const resignation = this.#election.resignation(clock.nowMs());
    if (resignation === undefined) return;
    try {
      await this.#inTime(lease.replace(resignation));
    } catch (error) {
      logger.warn({ reason: messageOf(error) }, 'the lease is not given back: it will run out');
    }
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #saw(lease: Lease | undefined): void {
    this.#election.saw(lease, this.#options.clock.nowMs());
    this.#update();
    this.#plan();
  }

  /** Sets the timer of the next bid, unless one is under way. */
  #plan(): void {
    if (this.#isStopped || this.#bidding !== undefined) return;
    this.#cancelBid?.();
    this.#cancelBid = this.#options.clock.at(this.#election.bidAtMs, () => {
      this.#bidding = this.#bid().finally(() => {
        this.#bidding = undefined;
        this.#plan();
      });
    });
  }

  /** Never fails: after a refusal it looks, after anything else it waits a little. */
  async #bid(): Promise<void> {
    const { lease, clock, logger, random = Math.random } = this.#options;
    try {
      if (!this.#election.hasSeen) await this.#look();
      const sentAtMs = clock.nowMs();
      const bid = this.#election.bid(sentAtMs);
      if (bid === undefined) return;
      const isNew = bid.metadata?.resourceVersion === undefined;
      const written = await this.#inTime(isNew ? lease.create(bid) : lease.replace(bid));
      this.#election.won(written, sentAtMs, clock.nowMs());
      this.#update();
    } catch (error) {
      const isBeaten = isConflict(error) || isAlreadyExists(error);
      if (isBeaten && (await this.#looked())) return;
      if (!isBeaten) logger.warn({ reason: messageOf(error) }, 'the lease cannot be taken for now');
      await pause(clock, RETRY_MS * (0.5 + random()), this.#stop.signal);
    }
  }

  async #look(): Promise<void> {
    const { lease, clock } = this.#options;
    this.#election.saw(await this.#inTime(lease.get()), clock.nowMs());
    this.#update();
  }

  async #looked(): Promise<boolean> {
    try {
      await this.#look();
      return true;
    } catch {
      return false;
    }
  }

  /** Tells when it has begun, or ceased, to lead. */
  #update(): void {
    const { clock, logger, candidate, onChange } = this.#options;
    const { isLeader } = this;
    this.#cancelEnd?.();
    if (isLeader) this.#cancelEnd = clock.at(this.#election.deposedAtMs, () => this.#update());
    if (isLeader === this.#wasLeader) return;
    this.#wasLeader = isLeader;
    if (isLeader) logger.info({ identity: candidate.identity }, 'this autoscaler leads');
    else logger.warn({ identity: candidate.identity }, 'this autoscaler leads no more');
    onChange(isLeader);
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const timeoutMs = Math.min(REQUEST_TIMEOUT_MS, this.#settings.deposedAfterMs / 3);
    let cancel: Cancel = () => {};
    const late = new Promise<never>((_resolve, reject) => {
      const error = new Error(`no answer within ${timeoutMs} ms`);
      cancel = clock.at(clock.nowMs() + timeoutMs, () => reject(error));
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      cancel();
    }
  }
}
