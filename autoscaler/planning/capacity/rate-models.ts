import { paperRateModel } from './paper-rates.ts';
import { percentileRateModel } from './percentile-rates.ts';
import type { RateModel } from './rate-model.ts';

const RATE_MODELS: readonly RateModel[] = [percentileRateModel, paperRateModel];

export const RATE_MODEL_NAMES = RATE_MODELS.map(({ name }) => name);

/** @param name one of {@link RATE_MODEL_NAMES} */
export function rateModelByName(name: string): RateModel {
  const model = RATE_MODELS.find((each) => each.name === name);
  if (model === undefined) throw new RangeError(`no rate model "${name}"`);
  return model;
}
