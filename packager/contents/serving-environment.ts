import type { ModelContent } from '../../models/engines/content.ts';
import type { BatchingChoice, ModelManifest } from '../../models/manifest/manifest.ts';
import { SERVER_ENVIRONMENT } from '../server/instance-protocol.ts';
import { SERVING_PORT } from './image-config.ts';
import { INFO_PATHS } from './info-layer.ts';
import { MODEL_FOLDER } from './model/model-entries.ts';

/** Defaults of the serving process that whoever packs may fix; a deployment can still override them. */
export interface ServingDefaults {
  readonly maxBatch?: number | undefined;
  readonly sloMs?: number | undefined;
  readonly batching?: BatchingChoice | undefined;
}

/** The environment that the serving process finds in its image. */
export function servingEnvironment(
  model: ModelManifest,
  content: ModelContent,
  hasProfile: boolean,
  { maxBatch, sloMs, batching }: ServingDefaults,
): Readonly<Record<string, string>> {
  return {
    [SERVER_ENVIRONMENT.model]: `/${MODEL_FOLDER}/${content.entry.name}`,
    [SERVER_ENVIRONMENT.modelName]: model.name,
    [SERVER_ENVIRONMENT.manifest]: `/${INFO_PATHS.manifest}`,
    ...(hasProfile ? { [SERVER_ENVIRONMENT.profile]: `/${INFO_PATHS.profile}` } : {}),
    ...(maxBatch === undefined ? {} : { [SERVER_ENVIRONMENT.maxBatch]: String(maxBatch) }),
    ...(batching === 'trust' ? { [SERVER_ENVIRONMENT.batching]: batching } : {}),
    ...(sloMs === undefined ? {} : { [SERVER_ENVIRONMENT.sloMs]: String(sloMs) }),
    [SERVER_ENVIRONMENT.host]: '0.0.0.0', // the container is the border
    [SERVER_ENVIRONMENT.port]: String(SERVING_PORT),
    INFLESS_CACHE_DIR: '/tmp/infless', // the one place that may be writable; nothing breaks where it is not
    NODE_ENV: 'production',
  };
}
