import { InflessError, messageOf } from '../../base/errors.ts';

/** What no backend here can do, by the words of TensorFlow.js: it has no error codes. */
const MISSING: readonly RegExp[] = [
  /Unknown op '(?<what>\w+)'/,
  /Kernel '(?<what>\w+)' not registered/,
  /Unknown (?<what>(?:layer|activation|initializer|regularizer|constraint): ?\w+)/i,
  /(?<what>complex numbers|complex64)/,
  /(?<what>\S.*not (?:yet )?supported.*)/,
];

/** Tells why a model could not be loaded. */
export function loadError(path: string, error: unknown): InflessError {
  if (error instanceof InflessError) return error;
  return (
    unsupported(path, error) ??
    new InflessError('MODEL_CORRUPT', `${path} is not a whole TF.js model (${shortReason(error)})`, {
      remedy: 'Export or download it again, with all its weights files.',
      cause: error,
    })
  );
}

/**
 * The caller's data, not the model, is at fault: sizes that the model leaves free and then cannot use, ids
 * that no table has.
 */
const INPUT_FAULTS = /shape|dimension|rank \d|inner|size|index value \S+ is not in/i;

/** Tells why a run failed. */
export function runError(model: string, error: unknown): InflessError {
  if (error instanceof InflessError) return error;
  const missing = unsupported(`Model ${model}`, error);
  if (missing !== undefined) return missing;
  const [code, what] = INPUT_FAULTS.test(messageOf(error))
    ? (['INVALID_INPUT', 'does not take this input'] as const)
    : (['INFERENCE_FAILED', 'failed to run'] as const);
  return new InflessError(code, `Model ${model} ${what} (${shortReason(error)})`, { cause: error });
}

function unsupported(subject: string, error: unknown): InflessError | undefined {
  const text = messageOf(error);
  for (const pattern of MISSING) {
    const what = pattern.exec(text)?.groups?.what;
    if (what === undefined) continue;
    return new InflessError(
      'MODEL_UNSUPPORTED',
      `${subject} uses what TensorFlow.js cannot run here: ${what}`,
      {
        remedy: 'Convert the model to ONNX, or export it with standard operators.',
        cause: error,
      },
    );
  }
  return undefined;
}

const REASON_LIMIT = 160;

/** The first clause of what the runtime says: it goes on with advice for web pages. */
function shortReason(error: unknown): string {
  const reason = messageOf(error)
    .trim()
    .split('\n', 1)[0]!
    .replace(/[.\s]+$/, '');
  return reason.length <= REASON_LIMIT ? reason : `${reason.slice(0, REASON_LIMIT - 1)}…`;
}
