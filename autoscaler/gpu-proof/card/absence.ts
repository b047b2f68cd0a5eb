import { readGpus } from '../../../profiles/gpu/nvidia-smi.ts';
import type { SmiGpu } from '../../../profiles/gpu/smi-xml.ts';
import type { Verdict } from '../step.ts';

/** The first card of this machine, or the verdict of a step that needs one. */
export async function firstCard(
  doing: (what: string) => void,
): Promise<{ readonly gpu: SmiGpu } | { readonly verdict: Verdict }> {
  doing('asking nvidia-smi for cards');
  const inventory = await readGpus();
  if (!('absence' in inventory)) return { gpu: inventory.report.gpus[0]! };
  return { verdict: noCard(inventory.absence) };
}

/** @param why as a clause */
function noCard(why: string): Verdict {
  return {
    outcome: 'no-card',
    sentence: `There is no NVIDIA driver with a card here (${why}): run this on a machine with one.`,
  };
}
