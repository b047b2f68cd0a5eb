const FIRST_CAPACITY = 32;

/**
 * A queue of idle times in the order they ended, in typed arrays (9 bytes an entry). Equal ones that follow
 * each other within a slot of time share an entry. Idle times of a minute and more cannot be many, those
 * below it are equal: a day in slots of 5 minutes is 288 entries for a function that is always busy, and
 * 2,880 at the very most.
 *
 * Positions count all entries ever pushed, so that several readers can follow at their own distance.
 */
export class IdleTimeLog {
  #slots = new Uint32Array(FIRST_CAPACITY);
  #counts = new Uint32Array(FIRST_CAPACITY);
  #bins = new Uint8Array(FIRST_CAPACITY);
  #first = 0;
  #end = 0;

  /** One past the newest entry. */
  get end(): number {
    return this.#end;
  }

  push(slot: number, bin: number): void {
    const last = this.#place(this.#end - 1);
    if (this.#end > this.#first && this.#slots[last] === slot && this.#bins[last] === bin) {
      this.#counts[last]! += 1;
      return;
    }
    if (this.#end - this.#first === this.#bins.length) this.#grow();
    const place = this.#place(this.#end);
    this.#slots[place] = slot;
    this.#bins[place] = bin;
    this.#counts[place] = 1;
    this.#end += 1;
  }

  slotAt(position: number): number {
    return this.#slots[this.#place(position)]!;
  }

  binAt(position: number): number {
    return this.#bins[this.#place(position)]!;
  }

  countAt(position: number): number {
    return this.#counts[this.#place(position)]!;
  }

  /** Entries before `position` may be overwritten from now on. */
  forgetBefore(position: number): void {
    this.#first = position;
  }

  /** Capacities are powers of two. */
  #place(position: number): number {
    return position & (this.#bins.length - 1);
  }

  #grow(): void {
    const { length } = this.#bins;
    const slots = new Uint32Array(2 * length);
    const counts = new Uint32Array(2 * length);
    const bins = new Uint8Array(2 * length);
    for (let position = this.#first; position < this.#end; position += 1) {
      const place = position & (2 * length - 1);
      slots[place] = this.slotAt(position);
      counts[place] = this.countAt(position);
      bins[place] = this.binAt(position);
    }
    this.#slots = slots;
    this.#counts = counts;
    this.#bins = bins;
  }
}
