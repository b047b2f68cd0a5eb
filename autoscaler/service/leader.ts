/** Which of several autoscalers decides what runs. */
export interface LeaderElection {
  /** Stands for election from now on; whoever leads is told the others' gateways. */
  stand(candidate: Candidate): LeadershipState;
}

export interface Candidate {
  /** Where the gateway listens. */
  readonly gatewayUrl: string;
  /** Told when it begins to lead, and when it does so no more. */
  readonly onChange: (isLeader: boolean) => void;
}

export interface LeadershipState {
  readonly isLeader: boolean;
  /** Where the gateway of another answers that leads, as far as known. */
  readonly leaderUrl: string | undefined;
  /** Leads no more, and lets another do so at once. */
  stop(): Promise<void>;
}

/** What changes with leading. */
export interface LeadParts {
  /** Where this autoscaler's gateway listens. */
  readonly gatewayUrl: string;
  readonly begin: () => void;
  /** Also said once to begin with, where others may lead. */
  readonly end: () => void;
}

/**
 * Whether this autoscaler decides what runs: always, or while it is elected. No one does before
 * {@link claim}.
 */
export class Leader {
  readonly #election: LeaderElection | undefined;
  #standing: LeadershipState | undefined;
  #isSole = false;

  constructor(election: LeaderElection | undefined) {
    this.#election = election;
  }

  get isLeader(): boolean {
    return this.#isSole || this.#standing?.isLeader === true;
  }

  /** Where another's gateway answers that leads, as far as known. */
  get leaderUrl(): string | undefined {
    return this.#standing?.leaderUrl;
  }

  claim({ gatewayUrl, begin, end }: LeadParts): void {
    if (this.#election === undefined) {
      this.#isSole = true;
      begin();
      return;
    }
    end();
    const onChange = (isLeader: boolean): void => (isLeader ? begin() : end());
    this.#standing = this.#election.stand({ gatewayUrl, onChange });
  }

  async resign(): Promise<void> {
    this.#isSole = false;
    await this.#standing?.stop();
  }
}
