import { z } from 'zod';

/** What goes wrong in a replay, for trying out what becomes of it. */
export const faultsSchema = z.strictObject({
  /** The programs of the driver from a call on, counted from 1. */
  smi: z
    .strictObject({
      from: z.number().int().min(1).default(1),
      fault: z.enum(['hangs', 'vanishes', 'says-it-failed']),
    })
    .optional(),
  mps: z.enum(['hangs', 'vanishes', 'says-it-failed', 'missing', 'of-another-user']).optional(),
  /**
   * The engine from a run on the card on, counted from 1 over all processes; from 0 on, none can be opened.
   */
  engine: z
    .strictObject({
      from: z.number().int().min(0).default(1),
      fault: z.enum(['hangs', 'vanishes', 'throws', 'card-lost', 'mig-changed']),
    })
    .optional(),
});
export type Faults = z.infer<typeof faultsSchema>;

/** Says in the environment where a replay lies. */
export const REPLAY_FOLDER = 'INFLESS_REPLAY';
/** There from when on the card has fallen off the bus, or was partitioned. */
export const LOST_FILE = 'lost';
export const PARTITIONED_FILE = 'partitioned';
