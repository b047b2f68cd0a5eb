import { Byte } from '../codec/json-cursor.ts';
import { answerTooLarge, type JsonWriter } from '../codec/json-writer.ts';
import { writeElements, writerFor } from '../codec/tensor-writer.ts';
import type { NamedTensors } from '../manifest/tensor.ts';
import { bytesOfTensor } from './binary-tensors.ts';
import { BINARY_TYPE, DATATYPE, type InferForm, JSON_LENGTH } from './infer-request.ts';
import { JSON_TYPE, type Message, MODEL_VERSION } from './protocol.ts';

/** Writes the answer as the request wishes it: as JSON, or with tensors as bytes behind it. */
export function inferAnswer(
  outputs: NamedTensors,
  form: InferForm,
  model: string,
  mostBytes: number | undefined,
): Message {
  const { id, binary } = form;
  const names = form.outputs ?? Object.keys(outputs).map((name) => ({ name, binary: undefined }));
  const asked = Object.fromEntries(names.map(({ name }) => [name, outputs[name]!]));
  const bytes = new Map(
    names.flatMap((each) =>
      (each.binary ?? binary) ? [[each.name, bytesOfTensor(outputs[each.name]!)] as const] : [],
    ),
  );
  const before = (writer: JsonWriter): void => {
    writer.key('model_name');
    writer.string(model);
    writer.byte(Byte.comma);
    writer.key('model_version');
    writer.string(MODEL_VERSION);
    writer.byte(Byte.comma);
    if (id === undefined) return;
    writer.key('id');
    writer.string(id);
    writer.byte(Byte.comma);
  };
  const json = tensorsBody(asked, 'outputs', { bytes, before, mostBytes });
  if (bytes.size === 0) return { contentType: JSON_TYPE, body: json };
  const length = [...bytes.values()].reduce((sum, each) => sum + each.length, json.length);
  if (mostBytes !== undefined && length > mostBytes) throw answerTooLarge(mostBytes);
  return {
    contentType: BINARY_TYPE,
    headers: { [JSON_LENGTH]: String(json.length) },
    body: Buffer.concat([json, ...bytes.values()]),
  };
}

/**
 * `{…, key: [{"name": …, "datatype": …, "shape": […], "data": […]}, …]}`, the values of each tensor in one
 * list; of those that follow as bytes, how many they are.
 */
export function tensorsBody(
  tensors: NamedTensors,
  key: 'inputs' | 'outputs',
  options: {
    /** Those that follow as bytes, and these. */
    readonly bytes?: ReadonlyMap<string, Uint8Array>;
    readonly before?: (writer: JsonWriter) => void;
    readonly mostBytes?: number | undefined;
  } = {},
): Uint8Array {
  const { bytes = new Map<string, Uint8Array>() } = options;
  const entries = Object.entries(tensors);
  const asJson = entries.filter(([name]) => !bytes.has(name));
  const writer = writerFor(Object.fromEntries(asJson), options.mostBytes);
  writer.byte(Byte.openBrace);
  options.before?.(writer);
  writer.key(key);
  writer.series(Byte.openBracket, entries.length, Byte.closeBracket, (index) => {
    const [name, tensor] = entries[index]!;
    writer.ascii('{"name":');
    writer.string(name);
    writer.ascii(`,"datatype":"${DATATYPE[tensor.dtype]}","shape":[${tensor.shape.join(',')}],`);
    const behind = bytes.get(name);
    if (behind !== undefined) writer.ascii(`"parameters":{"binary_data_size":${behind.length}}`);
    else {
      writer.ascii('"data":');
      writeElements(writer, tensor);
    }
    writer.byte(Byte.closeBrace);
  });
  writer.byte(Byte.closeBrace);
  return writer.bytes;
}
