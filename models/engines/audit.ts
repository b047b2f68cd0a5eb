import type { NamedTensors, Tensor } from '../manifest/tensor.ts';
import { nudged } from './batch-axes/probe-rows.ts';
import { Tolerance } from './batch-axes/tolerance.ts';
import type { EngineSession } from './engine.ts';

/** Requests that shared a run, and what each of them was answered. */
export interface SharedRun {
  readonly requests: readonly NamedTensors[];
  readonly answers: readonly NamedTensors[];
}

/** What rounding does to what goes in; whole numbers and flags leap where scores are nearly equal. */
const ROUNDING = 1e-6;
const NEAR_TIE = 1e-4;

/**
 * Runs requests again, each alone, and compares.
 *
 * @returns what was another than alone, by more than rounding; undefined where nothing was
 */
export async function auditRun(
  session: EngineSession,
  { requests, answers }: SharedRun,
): Promise<string | undefined> {
  const alone: NamedTensors[] = [];
  for (const feeds of requests) alone.push(await session.run(feeds));
  const { outputs, batching } = session.manifest;
  for (const { name } of outputs) {
    const tolerance = new Tolerance(
      alone.map((each) => each[name]!),
      { precision: batching?.precision ?? 'single' },
    );
    for (const [index, answer] of answers.entries()) {
      const wanted = alone[index]![name]!;
      if (!isOff(tolerance, answer[name]!, wanted)) continue;
      if (await leaps(session, requests[index]!, name, wanted, tolerance)) continue;
      return `a request got another output "${name}" in a batch of ${requests.length} than alone`;
    }
  }
  return undefined;
}

function isOff(tolerance: Tolerance, got: Tensor, wanted: Tensor): boolean {
  if (got.shape.join() !== wanted.shape.join()) return true;
  return tolerance.distances(got, wanted).some((distance) => distance > 1);
}

/** Whether the answer to the request alone is another, too, where what goes in is off by next to nothing. */
async function leaps(
  session: EngineSession,
  feeds: NamedTensors,
  output: string,
  wanted: Tensor,
  tolerance: Tolerance,
): Promise<boolean> {
  const by = wanted.dtype.startsWith('float') ? ROUNDING : NEAR_TIE;
  for (const draw of [0, 1, 2]) {
    const answer = await session.run(nudged(session.manifest, feeds, by, draw));
    if (isOff(tolerance, answer[output]!, wanted)) return true;
  }
  return false;
}

/** A copy: what answers are made of is handed on to other threads. */
export function copied(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
  );
}
