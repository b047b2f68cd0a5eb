import type { Random } from '../../../models/base/random.ts';
import { Tolerance } from '../../../models/engines/batch-axes/tolerance.ts';
import type { EngineSession } from '../../../models/engines/engine.ts';
import { BatchExecutor } from '../../../models/engines/executor.ts';
import { fromHalfBits, toHalfBits } from '../../../models/manifest/half.ts';
import { generateInputs } from '../../../models/manifest/inputs.ts';
import type { ModelManifest } from '../../../models/manifest/manifest.ts';
import { sliceRows, stackRows } from '../../../models/manifest/stacking.ts';
import type { NamedTensors, Tensor } from '../../../models/manifest/tensor.ts';

const ROUNDS = 12;
const REQUESTS = 8;
/** Whole numbers, flags and halves leap where what they come from is rounded otherwise. */
const LEAP = 1e-5;

/**
 * How many answers to requests that come together differ from those to each alone, by more than rounding.
 * Requests are of any scale, sign and offset, drawn anew: other ones than a proof may have tried.
 */
export async function differingAnswers(session: EngineSession, random: Random): Promise<number> {
  const executor = new BatchExecutor(session, REQUESTS);
  let differing = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const requests = Array.from({ length: REQUESTS }, () => request(session.manifest, random));
    const alone: NamedTensors[] = [];
    for (const feeds of requests) alone.push(await session.run(feeds));
    const { outcomes } = await executor.run(requests);
    for (const [index, outcome] of outcomes.entries()) {
      const differs =
        !outcome.ok || (await differ(session, requests[index]!, outcome.outputs, alone[index]!));
      if (differs) differing += 1;
    }
  }
  return differing;
}

/** Whether rows of a model do depend on each other, by values that show it. */
export async function showsDependence(
  session: EngineSession,
  batchAxis: number,
  random: Random,
): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const rows = Array.from({ length: 4 }, () => request(session.manifest, random, batchAxis));
    const inputs = session.manifest.inputs.map(({ name }) => name);
    const feeds = Object.fromEntries(
      inputs.map((name) => [
        name,
        stackRows(
          rows.map((row) => row[name]!),
          batchAxis,
        ),
      ]),
    );
    const together = await session.run(feeds);
    for (const [index, row] of rows.entries()) {
      const alone = await session.run(row);
      const part = Object.fromEntries(
        Object.entries(together).map(([name, tensor]) => {
          const axis = tensor.shape.length > batchAxis ? batchAxis : 0;
          if (tensor.shape[axis] !== rows.length) return [name, tensor];
          return [name, sliceRows(tensor, axis, index, index + 1)];
        }),
      );
      if (await differ(session, row, part, alone)) return true;
    }
  }
  return false;
}

/** Off by more than the tolerance, and not just as far as the answer to the request alone leaps by itself. */
async function differ(
  session: EngineSession,
  feeds: NamedTensors,
  got: NamedTensors,
  alone: NamedTensors,
): Promise<boolean> {
  const isOff = (tensor: Tensor, from: Tensor): boolean =>
    tensor.shape.join() !== from.shape.join() ||
    new Tolerance([from], { precision: 'single' }).distances(tensor, from).some((distance) => distance > 1);
  const off = Object.keys(alone).filter((name) => isOff(got[name]!, alone[name]!));
  if (off.length === 0) return false;
  for (const by of [LEAP, -LEAP]) {
    const nudged = await session.run(mapFloats(feeds, (value) => value * (1 + by)));
    if (off.every((name) => isOff(nudged[name]!, alone[name]!))) return false;
  }
  return true;
}

function request(
  manifest: Pick<ModelManifest, 'name' | 'inputs'>,
  random: Random,
  batchAxis?: number,
): NamedTensors {
  const scale = 10 ** (random() * 5 - 2) * (random() < 0.5 ? -1 : 1);
  const offset = random() < 0.3 ? 20 * random() : 0;
  const isZero = random() < 0.1;
  const inputs = manifest.inputs.map((spec) => ({ ...spec, batchAxis: spec.batchAxis ?? batchAxis ?? null }));
  const feeds = generateInputs(
    { name: manifest.name, inputs },
    { batch: 1, seed: Math.floor(random() * 1e6) },
  );
  return mapFloats(feeds, (value) => (isZero ? 0 : (value - 0.4) * scale + offset));
}

function mapFloats(feeds: NamedTensors, change: (value: number) => number): NamedTensors {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => {
      const { dtype, data } = tensor;
      if (dtype === 'float16') {
        return [
          name,
          { ...tensor, data: (data as Uint16Array).map((bits) => toHalfBits(change(fromHalfBits(bits)))) },
        ];
      }
      if (!(data instanceof Float32Array || data instanceof Float64Array)) return [name, tensor];
      return [name, { ...tensor, data: data.map(change) }];
    }),
  );
}
