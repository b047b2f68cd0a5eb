import type { Threading } from '../../models/onnx/threads.ts';
import { type Config, configKey } from '../../profiles/config.ts';
import type { Cell } from '../../profiles/table.ts';
import type { CellRunner } from '../cell-runner.ts';
import { withVerdicts } from '../checked-cell.ts';
import { hasDrifted } from './drift.ts';
import { isPassing } from './verdicts.ts';

/** Cells between two looks at the reference. */
const CELLS_BETWEEN = 10;
/** A sweep that ends has enough new cells for another look. */
const CELLS_AT_END = 5;

interface Sweep {
  readonly configs: readonly Config[];
  readonly threadingOf: (config: Config) => Threading | undefined;
  readonly runner: CellRunner;
}

/**
 * The first cell of a sweep, measured again from time to time: where it has changed, so has the host, and the cells measured since the last
 * look are marked.
 */
export class Reference {
  readonly #sweep: Sweep;
  readonly #cells: Map<string, Cell>;
  readonly #seen: Set<string>;
  #last: Cell | undefined;

  /** @param cells as measured so far, by their keys; cells from an earlier sweep are not looked at again */
  constructor(sweep: Sweep, cells: Map<string, Cell>) {
    this.#sweep = sweep;
    this.#cells = cells;
    this.#seen = new Set(cells.keys());
    this.#last = cells.get(configKey(sweep.configs[0]!));
  }

  async afterCell(): Promise<void> {
    if (this.#unseen().length > CELLS_BETWEEN) await this.#look();
  }

  async atEnd(): Promise<void> {
    if (this.#unseen().length > CELLS_AT_END) await this.#look();
  }

  #unseen(): string[] {
    return [...this.#cells.keys()].filter((key) => !this.#seen.has(key));
  }

  async #look(): Promise<void> {
    const config = this.#sweep.configs[0]!;
    this.#last ??= this.#cells.get(configKey(config));
    const result = await this.#sweep.runner.measure(config, this.#sweep.threadingOf(config));
    if ('failure' in result) return; // it ran before: what became of it, the next cell tells
    const isClear = [this.#last, result.cell].every((cell) => !cell?.verdicts?.some(isPassing));
    for (const key of this.#unseen()) {
      this.#seen.add(key);
      // A disturbed reference tells of the disturbance, which is marked as such.
      if (this.#last === undefined || !isClear || !hasDrifted(this.#last, result.cell)) continue;
      this.#cells.set(key, withVerdicts(this.#cells.get(key)!, ['drifting']));
    }
    this.#last = result.cell;
  }
}
