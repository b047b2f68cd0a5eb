import type { LayerBlob } from '../layers/compressed-layer.ts';
import type { History, ImageConfig } from '../oci/schema.ts';

export const SERVING_PORT = 8080;

export interface ConfigParts {
  readonly base: ImageConfig;
  /** How Node.js is started in the base. */
  readonly node: readonly string[];
  /** What it is started with: a file of the image. */
  readonly program: string;
  /** What lies above the base, from the bottom up. */
  readonly layers: readonly LayerBlob[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly created: string;
}

/** The base's config with our layers, our program and a user without rights. */
export function imageConfig(parts: ConfigParts): ImageConfig {
  const { base, node, program, layers, environment, labels, created } = parts;
  const { architecture, os, variant } = base;
  return {
    created,
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    config: {
      User: `${USER_ID}:${USER_ID}`,
      ExposedPorts: { [`${SERVING_PORT}/tcp`]: {} },
      Env: mergeEnvironment(base.config?.Env ?? [], environment),
      Entrypoint: [...node, program],
      WorkingDir: '/',
      Labels: { ...base.config?.Labels, ...labels },
      StopSignal: 'SIGTERM',
    },
    rootfs: { type: 'layers', diff_ids: [...base.rootfs.diff_ids, ...layers.map(({ diffId }) => diffId)] },
    history: [...baseHistory(base, created), ...layers.map(({ title }) => historyOf(title, created))],
  };
}

function historyOf(title: string, created: string): History {
  return { created, created_by: 'infless-pack', comment: title };
}

/** One entry a layer, with a time: tools that unpack images rely on both, not all bases have them. */
function baseHistory({ history = [], rootfs }: ImageConfig, created: string): History[] {
  const ofLayers = history.filter(({ empty_layer: isEmpty }) => isEmpty !== true);
  if (ofLayers.length === rootfs.diff_ids.length) return history.map((entry) => ({ created, ...entry }));
  return rootfs.diff_ids.map(() => historyOf('layer of the base', created));
}

function mergeEnvironment(base: readonly string[], ours: Readonly<Record<string, string>>): string[] {
  const kept = base.filter((line) => !(line.split('=', 1)[0]! in ours));
  return [...kept, ...Object.entries(ours).map(([name, value]) => `${name}=${value}`)];
}

/**
 * Who the serving process runs as: `nonroot` of the distroless images, in numbers so that any base will do.
 */
export const USER_ID = 65_532;
