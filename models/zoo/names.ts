import { didYouMean } from '../base/command-line/nearest.ts';
import type { Parser } from '../base/command-line/option-table.ts';
import { InflessError } from '../base/errors.ts';

/**
 * What `ZOO_MODELS` are called, for those who need none of them built: building takes libraries of some
 * megabytes.
 */
export const ZOO_NAMES: readonly string[] = [
  'mobilenet',
  'resnet-50',
  'ssd',
  'textcnn-69',
  'lstm-maxclass-2365',
  'dssm',
  'mnist',
];

/** A model as people name it: a file, or a name of the zoo. */
export const modelReference: Parser<string> = Object.assign((given: string) => given, {
  suggests: ZOO_NAMES,
  completes: 'file',
} as const);

export function isZooName(name: string): boolean {
  return ZOO_NAMES.includes(name);
}

/** The error for a reference that is neither a zoo model nor an existing file. */
export function unknownModel(reference: string): InflessError {
  const looksLikePath = /[\\/]|\.\w+$/.test(reference);
  const suggestion = looksLikePath ? undefined : didYouMean(reference, ZOO_NAMES);
  return new InflessError(
    'MODEL_NOT_FOUND',
    looksLikePath ? `Model file ${reference} does not exist` : `There is no model "${reference}"`,
    {
      remedy: `${suggestion === undefined ? '' : `${suggestion} `}Give the path of a model file, or one of the zoo: ${ZOO_NAMES.join(', ')}.`,
    },
  );
}
