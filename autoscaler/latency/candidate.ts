import type { Vector } from '../../models/base/resources.ts';
import type { Config } from '../../profiles/config.ts';
import type { GpuSharing } from '../../profiles/table.ts';

/** A config a function may run in, with what its table says of it. */
export interface Candidate {
  readonly config: Config;
  /** Mean time of a full batch, answers encoded and all, in ms: decides how much it carries. */
  readonly meanMs: number;
  /** The same at the percentile of the SLO: decides whether it is in time. */
  readonly tailMs: number;
  readonly needs: Vector;
  /**
   * Of its part of a GPU: how parts were held when its times were measured; undefined where it has none or
   * the whole, and where that is not known.
   */
  readonly sharing?: GpuSharing;
  /** From the decision to start until the first answer can be given. */
  readonly startupMs: number;
}
