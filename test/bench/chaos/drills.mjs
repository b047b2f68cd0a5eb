import { churn } from './churn.mjs';
import { killAutoscaler, killInstances } from './crashes.mjs';
import { fullDisk } from './full-disk.mjs';
import { fuzz } from './fuzz.mjs';
import { poison } from './poison.mjs';
import { shutdown } from './shutdown.mjs';
import { stopped, stuck } from './silent.mjs';

/** `run(scale)` returns what came of it; 1 is full length. */
export const DRILLS = [
  { name: 'kill-instances', run: killInstances },
  { name: 'kill-autoscaler', run: killAutoscaler },
  { name: 'stopped-instance', run: stopped },
  { name: 'stuck-inference', run: stuck },
  { name: 'poison-often', run: (scale) => poison(scale, { everyMs: 200, isAlwaysNew: false }) },
  { name: 'poison-new', run: (scale) => poison(scale, { everyMs: 10_000, isAlwaysNew: true }) },
  { name: 'fuzz', run: fuzz },
  { name: 'full-disk', run: fullDisk, needsRoot: true },
  { name: 'create-delete', run: churn },
  { name: 'shutdown', run: shutdown },
];
