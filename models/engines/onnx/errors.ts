import { type ErrorCode, InflessError, messageOf } from '../../base/errors.ts';
import { WireError } from './wire-file.ts';

interface Verdict {
  readonly code: ErrorCode;
  readonly what: (path: string, reason: string) => string;
  readonly remedy: string;
}

const CORRUPT: Verdict = {
  code: 'MODEL_CORRUPT',
  what: (path, reason) => `${path} is not a whole ONNX model (${reason})`,
  remedy: 'Export or download the file again.',
};

const UNSUPPORTED: Verdict = {
  code: 'MODEL_UNSUPPORTED',
  what: (path, reason) => `${path} uses something this ONNX runtime does not support (${reason})`,
  remedy: 'Export it again with standard operators and an older opset.',
};

const INCOMPLETE: Verdict = {
  code: 'MODEL_CORRUPT',
  what: (path, reason) => `${path} keeps its weights in another file that cannot be read (${reason})`,
  remedy: 'Put the weights file beside the model.',
};

/** What is known of a provider's failures is told before, see providers/provider-errors.ts. */
const NO_PROVIDER: Verdict = {
  code: 'ACCELERATOR_UNAVAILABLE',
  what: (path, reason) => `${path} cannot run on the accelerator you asked for (${reason})`,
  remedy: 'Choose another provider, or ask for a GPU share of 0.',
};

/** What onnxruntime's messages mean: it has no error codes, so its wording is all there is. First match wins. */
const LOAD_VERDICTS: readonly (readonly [RegExp, Verdict])[] = [
  [/execution ?provider|backend not found|cuda|cudnn|cublas/i, NO_PROVIDER],
  [/external data|external_data|External initializer/i, INCOMPLETE],
  [/No Op registered|No opset import|is not a registered function/i, UNSUPPORTED],
  [/Unsupported model IR version|is under development/i, UNSUPPORTED],
  [/not currently registered or supported|Unsupported data type|Type Error/i, UNSUPPORTED],
  [/Could not find an implementation|NOT_IMPLEMENTED|not implemented/i, UNSUPPORTED],
  [/Protobuf parsing failed|does not have a graph|invalid model/i, CORRUPT],
  [/^Load model from/, CORRUPT],
];

/** Tells why a model file could not be opened. */
export function loadError(path: string, error: unknown): InflessError {
  if (error instanceof InflessError) return error;
  const text = messageOf(error);
  const verdict = error instanceof WireError ? CORRUPT : verdictOn(text.replaceAll(path, ''));
  return new InflessError(verdict.code, verdict.what(path, shortReason(text)), {
    remedy: verdict.remedy,
    cause: error,
  });
}

function verdictOn(text: string): Verdict {
  return LOAD_VERDICTS.find(([pattern]) => pattern.test(text))?.[1] ?? UNSUPPORTED;
}

/** The caller's data, not the model, is at fault. */
const INPUT_FAULTS =
  /invalid dimensions|Invalid rank|Unexpected input data type|out of data bounds|is missing in 'feeds'/i;

/** Tells why a run failed. */
export function runError(model: string, error: unknown): InflessError {
  if (error instanceof InflessError) return error;
  const reason = shortReason(messageOf(error));
  if (INPUT_FAULTS.test(messageOf(error))) {
    return new InflessError('INVALID_INPUT', `Model ${model} does not take this input (${reason})`, {
      cause: error,
    });
  }
  return new InflessError('INFERENCE_FAILED', `Model ${model} failed to run (${reason})`, { cause: error });
}

const REASON_LIMIT = 160;

/** The one clause of a native message that tells a person something. */
function shortReason(message: string): string {
  const reason = message
    .replace(/^.*Status Message: /s, '')
    .replace(/^Load model from .*? failed:\s*/s, '')
    .replace(/^(Exception during \w+: )?\/\S+\.(?:cc|h):\d+ .*\)(?: const)? (?=[A-Z])/s, '')
    .replace(/^This is an invalid model\.\s*/, '')
    .replace(/^In Node, .*Error (?=No )/s, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, 2)
    .join(' ')
    .replace(/[.\s]+$/, '');
  return reason.length <= REASON_LIMIT ? reason : `${reason.slice(0, REASON_LIMIT - 1)}…`;
}
