import { z } from 'zod';
import { InflessError } from '../../../base/errors.ts';
import { kerasVersionOf, type ModelJson } from '../model-json.ts';
import { ACTIVATIONS, KNOWN_LAYERS, MODELS } from './keras3-layers.ts';

type Settings = Record<string, unknown>;

const layerSchema = z.looseObject({
  module: z.string().nullish(),
  class_name: z.string(),
  name: z.string().optional(),
  config: z.looseObject({ name: z.string() }),
  inbound_nodes: z.array(z.unknown()).optional(),
});
type Layer = z.infer<typeof layerSchema>;

const historySchema = z.tuple([z.string(), z.number(), z.number()]);
const tensorSchema = z.looseObject({
  class_name: z.literal('__keras_tensor__'),
  config: z.looseObject({ keras_history: historySchema }),
});
const callSchema = z.looseObject({
  args: z.array(z.union([tensorSchema, z.array(tensorSchema)])),
  kwargs: z.record(z.string(), z.unknown()),
});

/**
 * The layers that Keras 3 wrote, in the form that TensorFlow.js reads: it knows that of Keras 2. A model of
 * anything else is given back as it is.
 *
 * @throws InflessError MODEL_UNSUPPORTED where TensorFlow.js has no such layer, or computes it differently
 */
export function readableLayers(path: string, json: ModelJson): ModelJson {
  const version = kerasVersionOf(json) ?? '';
  if (!/^([3-9]|\d\d)\b/.test(version)) return json;
  const rewriting = new Rewriting(`${path} has layers of Keras ${version}`);
  const topology = rewriting.model(json.modelTopology.model_config);
  const weightsManifest = json.weightsManifest.map((group) => ({
    ...group,
    weights: group.weights.map((weight) => ({ ...weight, name: rewriting.weight(weight.name) })),
  }));
  return { ...json, modelTopology: { ...json.modelTopology, model_config: topology }, weightsManifest };
}

class Rewriting {
  readonly #subject: string;
  /** Of all models within the model, by name. */
  readonly #layers = new Map<string, Layer>();

  constructor(subject: string) {
    this.#subject = subject;
  }

  model(written: unknown): object {
    const model = this.#read(layerSchema, written, 'a model is not as Keras writes it');
    if (!MODELS.has(model.class_name)) throw this.#refuse(`${model.class_name} is no model of its own`);
    return { class_name: model.class_name, config: this.#modelConfig(model.config) };
  }

  /** `sequential/dense/kernel` is `dense/kernel` to TensorFlow.js, however deep its layer lies. */
  weight(path: string): string {
    const steps = path.split('/');
    const start = steps.slice(0, -1).findLastIndex((step) => this.#layers.has(step));
    if (start < 0) return path;
    const renamed = KNOWN_LAYERS.get(this.#layers.get(steps[start]!)!.class_name)?.weights;
    const name = steps.at(-1)!;
    return [...steps.slice(start, -1), renamed?.[name] ?? name].join('/');
  }

  #modelConfig(config: Settings & { name: string }): object {
    const layers = this.#read(z.array(layerSchema), config.layers, `model "${config.name}" lists no layers`);
    const chains = layers.filter(({ class_name: kind }) => kind === 'Sequential');
    const sequential = new Set(chains.map(({ config: { name } }) => name));
    return {
      name: config.name,
      layers: layers.map((layer) => this.#layer(layer, sequential)),
      ...('input_layers' in config ? { input_layers: this.#ends(config.input_layers, sequential) } : {}),
      ...('output_layers' in config ? { output_layers: this.#ends(config.output_layers, sequential) } : {}),
    };
  }

  #layer(layer: Layer, sequential: ReadonlySet<string>): object {
    const { name } = layer.config;
    const calls = (layer.inbound_nodes ?? []).map((call) => this.#call(name, call, sequential));
    return {
      class_name: layer.class_name,
      name,
      inbound_nodes: calls,
      config: isModel(layer) ? this.#modelConfig(layer.config) : this.#settings(layer),
    };
  }

  #settings(layer: Layer): object {
    const { class_name: kind, config, module } = layer;
    const known = KNOWN_LAYERS.get(kind);
    if (known === undefined || (module ?? 'keras.layers') !== 'keras.layers') {
      throw this.#refuse(`TensorFlow.js does not compute ${kind} ("${config.name}") as Keras 3 does`);
    }
    if (this.#layers.has(config.name)) throw this.#refuse(`two layers are called "${config.name}"`);
    this.#layers.set(config.name, layer);
    for (const [key, allowed] of Object.entries(known.only ?? {})) {
      if (config[key] === undefined || allowed.includes(config[key])) continue;
      const setting = `${key}: ${JSON.stringify(config[key])}`;
      throw this.#refuse(
        `TensorFlow.js does not compute ${kind} with ${setting} ("${config.name}") as Keras 3 does`,
      );
    }
    const settings = Object.entries(config).filter(([key]) => !isForTraining(key));
    return Object.fromEntries(
      settings.map(([key, value]) => [known.settings?.[key] ?? key, this.#setting(config.name, key, value)]),
    );
  }

  #setting(layer: string, key: string, value: unknown): unknown {
    if (key === 'dtype') return dtypeOfPolicy(value);
    if (key !== 'activation' && key !== 'recurrent_activation') return value;
    const written = typeof value === 'object' && value !== null && 'config' in value ? value.config : value;
    const name = ACTIVATIONS.get(String(written));
    if (name === undefined) {
      throw this.#refuse(
        `TensorFlow.js does not compute the activation ${JSON.stringify(written)} ("${layer}") as Keras 3 does`,
      );
    }
    return name;
  }

  /** One call of a layer: the tensors that it takes, each by layer, call and output. */
  #call(layer: string, call: unknown, sequential: ReadonlySet<string>): unknown[] {
    const { args, kwargs } = this.#read(callSchema, call, `"${layer}" takes more than tensors`);
    const given = Object.entries(kwargs).filter(
      ([key, value]) => value !== null && !(key === 'training' && value === false),
    );
    if (given.length > 0)
      throw this.#refuse(`"${layer}" is called with ${given.map(([key]) => key).join(', ')}`);
    return args.flat().map(({ config }) => [...shifted(config.keras_history, sequential), {}]);
  }

  /** Inputs or outputs of a model: one, a list, or by name. */
  #ends(written: unknown, sequential: ReadonlySet<string>): unknown[] {
    const one = historySchema.safeParse(written);
    const all = one.success ? [one.data] : Object.values((written ?? {}) as object);
    return this.#read(z.array(historySchema), all, 'its inputs and outputs are nested').map((end) =>
      shifted(end, sequential),
    );
  }

  #read<T>(schema: z.ZodType<T>, value: unknown, otherwise: string): T {
    const read = schema.safeParse(value);
    if (!read.success) throw this.#refuse(otherwise);
    return read.data;
  }

  #refuse(why: string): InflessError {
    return new InflessError('MODEL_UNSUPPORTED', `${this.#subject}, and ${why}`, {
      remedy:
        'Export it to ONNX (model.export("model.onnx", format="onnx")), or convert its SavedModel to a graph model.',
    });
  }
}

function isModel({ class_name: kind }: Layer): boolean {
  return MODELS.has(kind);
}

/** What begins, bounds and penalises weights: Keras 3 has more of these, and no answer needs them. */
function isForTraining(key: string): boolean {
  return /_(initializer|regularizer|constraint)$/.test(key);
}

/** TensorFlow.js counts the making of a model as its first call; Keras 3, of functional ones alone. */
function shifted(
  [layer, call, output]: z.infer<typeof historySchema>,
  sequential: ReadonlySet<string>,
): unknown[] {
  return [layer, sequential.has(layer) ? call + 1 : call, output];
}

/** Policies are objects; those of halves keep their weights, and compute here, in full. */
function dtypeOfPolicy(value: unknown): unknown {
  const policy = z.looseObject({ config: z.looseObject({ name: z.string() }) }).safeParse(value);
  const name = policy.success ? policy.data.config.name : value;
  return typeof name === 'string' && /float16$/.test(name) ? 'float32' : name;
}
