import { type ErrorCode, InflessError, messageOf } from '../../base/errors.ts';
import { DTYPES } from '../../manifest/tensor.ts';
import { WireError } from './wire-file.ts';

/** A kind of failure. What the words of the runtime do not bear out is no remedy of it. */
interface Verdict {
  readonly code: ErrorCode;
  readonly what: (path: string, reason: string, words: Words) => string;
  readonly remedy?: string | ((words: Words) => string);
}

/** The named groups of the pattern that has found it. */
type Words = Readonly<Record<string, string>>;

const CORRUPT: Verdict = {
  code: 'MODEL_CORRUPT',
  what: (path, reason) => `${path} is not a whole ONNX model (${reason})`,
  remedy: 'Export or download the file again.',
};

/** The file is all there; its graph is wrong, and would be again. */
const INVALID: Verdict = {
  code: 'MODEL_CORRUPT',
  what: (path, reason) => `${path} holds a graph that is not valid (${reason})`,
};

const FAILED: Verdict = {
  code: 'MODEL_UNSUPPORTED',
  what: (path, reason) => `${path} cannot be loaded (${reason})`,
};

const UNKNOWN_OPERATOR: Verdict = {
  code: 'MODEL_UNSUPPORTED',
  what: (path, reason) => `${path} uses an operator that this ONNX runtime does not have (${reason})`,
  remedy: 'Export it again with standard operators.',
};

const NO_KERNEL: Verdict = {
  code: 'MODEL_UNSUPPORTED',
  what: (path, reason) =>
    `${path} uses an operator that this ONNX runtime does not have for the element types in the model (${reason})`,
  remedy: 'Export it with other types, such as float32.',
};

/** ONNX' element types that its runtime for Node.js does not take, by their numbers. */
const RARE_TYPES: Readonly<Record<number, string>> = {
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
};

const NO_TYPE: Verdict = {
  code: 'MODEL_UNSUPPORTED',
  what: (path, _, { type }) =>
    `${path} has inputs or outputs of element type ${RARE_TYPES[Number(type)] ?? `number ${type}`}`,
  remedy: `Export the model with tensors of these types: ${DTYPES.join(', ')}.`,
};

const NEW_OPSET: Verdict = {
  code: 'MODEL_UNSUPPORTED',
  what: (path, _, { opset, domain, latest }) =>
    `${path} needs opset ${opset}, and this ONNX runtime knows those of ${domain} up to ${latest}`,
  remedy: ({ latest }) => `Export it with opset ${latest} or an older one.`,
};

const NEW_FORMAT: Verdict = {
  code: 'MODEL_UNSUPPORTED',
  what: (path, reason) => `${path} is newer than this ONNX runtime (${reason})`,
  remedy: 'Export it with an older version of the exporter.',
};

const NO_LOCALE: Verdict = {
  code: 'MODEL_UNSUPPORTED',
  what: (path, _, { locale }) =>
    `${path} works on text in the locale ${locale}, which this machine does not have`,
  remedy: ({ locale }) => `Install it, as with the command locale-gen ${locale}.`,
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

/**
 * What onnxruntime's messages mean: it has no error codes, so its wording is all there is. First match wins.
 */
const LOAD_VERDICTS: readonly (readonly [RegExp, Verdict])[] = [
  [/Failed to construct locale with name:(?<locale>[\w.@-]+)/, NO_LOCALE],
  [/execution ?provider|backend not found|cuda|cudnn|cublas/i, NO_PROVIDER],
  [/external data|external_data|External initializer/i, INCOMPLETE],
  [
    /Opset (?<opset>\d+) is under development.*support for domain (?<domain>\S+) is till opset (?<latest>\d+)/s,
    NEW_OPSET,
  ],
  [/No Op registered|No opset import|is not a registered function/i, UNKNOWN_OPERATOR],
  [/Unsupported model IR version|is under development/i, NEW_FORMAT],
  [/Unsupported data type: (?<type>\d+)/i, NO_TYPE],
  [/Could not find an implementation|NOT_IMPLEMENTED|not implemented/i, NO_KERNEL],
  [/Protobuf parsing failed|does not have a graph/i, CORRUPT],
  [/not currently registered or supported/i, FAILED],
  [/Type ?Error|TypeInferenceError|ShapeInferenceError|invalid model|^Load model from/i, INVALID],
];

/** Tells why a model file could not be opened. */
export function loadError(path: string, error: unknown): InflessError {
  if (error instanceof InflessError) return error;
  const text = messageOf(error);
  const bare = text.replaceAll(path, '');
  const [verdict, words] = error instanceof WireError ? [CORRUPT, {}] : verdictOn(bare);
  const { code, what, remedy } = verdict;
  return new InflessError(code, what(path, shortReason(text), words), {
    ...(remedy === undefined ? {} : { remedy: typeof remedy === 'string' ? remedy : remedy(words) }),
    cause: error,
  });
}

function verdictOn(text: string): readonly [Verdict, Words] {
  for (const [pattern, verdict] of LOAD_VERDICTS) {
    const match = pattern.exec(text);
    if (match !== null) return [verdict, match.groups ?? {}];
  }
  return [FAILED, {}];
}

/**
 * The caller's data, not the model, is at fault: sizes that the model leaves free and then cannot use, ids
 * that no table has.
 */
const INPUT_FAULTS =
  /dimension|Invalid rank|Unexpected input data type|out of data bounds|is missing in 'feeds'|broadcast an axis|be reshaped|input shape|input channels/i;

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

/**
 * The one clause of a native message that tells a person something, after the operator that it is about.
 * Before it stand the place in the runtime's source, the signature of a function there and the condition that
 * did not hold.
 */
function shortReason(message: string): string {
  const [, operator] = /while running (\w+) node\..*Status Message: /s.exec(message) ?? [];
  const reason = message
    .replace(/^.*Status Message: /s, '')
    .replace(/^Load model from .*? failed:\s*/s, '')
    .replace(/^(Exception during \w+: )?\/\S+\.(?:cc|h):\d+ .* was false\. (?=\S)/s, '')
    .replace(
      /^(Exception during \w+: )?\/\S+\.(?:cc|h):\d+ .*\)(?:::<lambda\(.*?\)>)?(?: const)? (?=[A-Z])/s,
      '',
    )
    .replace(/^[\w-]+\.(?:cc|h):\d+ \w+ (?=\S)/, '')
    .replace(/^This is an invalid model\.\s*/, '')
    .replace(/^In Node, .*Error (?=No )/s, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, 2)
    .join(' ')
    .replace(/[.\s]+$/, '');
  return cut(operator === undefined ? reason : `${operator}: ${reason}`);
}

function cut(reason: string): string {
  return reason.length <= REASON_LIMIT ? reason : `${reason.slice(0, REASON_LIMIT - 1)}…`;
}
