import { InflessError } from '../../models/base/errors.ts';
import { likened } from '../../models/manifest/inputs.ts';
import { believed, canBatch, trusted } from '../../models/manifest/manifest.ts';
import { type PinnedImage, pinImage } from '../../packager/unpack/pinned-image.ts';
import { tailWarnings } from '../../profiles/capacity/tails.ts';
import { gradeWarnings } from '../../profiles/conditions/grade.ts';
import { CLUSTER_PERIOD_MICROS, periodCaveats, underPeriod } from '../../profiles/conditions/period.ts';
import type { StoredTable } from '../../profiles/store.ts';
import { batchingOf, type Deployment, versionOf } from '../functions/deployment.ts';
import { chooseProvider } from '../functions/provider-choice.ts';
import { likeEnvironment, likeOf } from '../functions/request-like.ts';
import type { FunctionSpec } from '../functions/spec.ts';
import type { ProfileTables } from './profile-tables.ts';

/** Every node has it. */
const ARCHITECTURE_LABEL = 'kubernetes.io/arch';

/**
 * A function's deployment from what its image says of itself: the nodes fetch the model, this process never
 * does.
 *
 * @param pinned what the image's name stood for when it was declared, where that is known: then a tag that
 * has moved since changes nothing
 * @throws InflessError IMAGE_*, REGISTRY_FAILED, PROFILE_*, PLATFORM_FAILED
 */
export async function resolveImage(
  spec: FunctionSpec,
  tables: ProfileTables,
  pinned?: string,
): Promise<Deployment> {
  const { insecure = false } = spec;
  const image = await pinImage(pinned ?? spec.image!, { insecure }); // objects of a cluster always name one
  const profile = await profileOf(spec, image, tables);
  const { environment, secrets } = spec;
  const described = { ...believed(image.model), name: spec.name };
  const manifest = likened(spec.batching === 'trust' ? trusted(described) : described, await likeOf(spec));
  const table = underPeriod(profile.table, CLUSTER_PERIOD_MICROS);
  const chosen = await chooseProvider(spec, image.model.format, table);
  return {
    spec: {
      ...spec,
      limits: chosen.limits,
      nodeSelector: { ...architectureOf(image), ...spec.nodeSelector },
    },
    model: { path: image.reference, manifest },
    profile: { ...profile, table },
    maxBatch: canBatch(manifest) ? (spec.maxBatch ?? Number.MAX_SAFE_INTEGER) : 1,
    workload: {
      version: versionOf(image.reference, spec, chosen.environment),
      model: image.reference,
      modelName: spec.name,
      sloMs: spec.slo,
      environment: { ...environment, ...chosen.environment, ...batchingOf(spec), ...likeEnvironment(spec) },
      secrets,
    },
    warnings: [
      ...gradeWarnings(profile.table, profile.file),
      ...tailWarnings(profile.table, profile.file, spec.percentile),
      ...periodCaveats(profile.table, CLUSTER_PERIOD_MICROS, spec.name),
    ],
  };
}

/** The label of the nodes that an image for one architecture alone can run on. */
function architectureOf({ platforms }: PinnedImage): FunctionSpec['nodeSelector'] {
  const architectures = new Set(platforms.map((platform) => platform.split('/')[1]!));
  const [only] = architectures;
  return architectures.size === 1 ? { [ARCHITECTURE_LABEL]: only! } : {};
}

async function profileOf(
  spec: FunctionSpec,
  image: PinnedImage,
  tables: ProfileTables,
): Promise<StoredTable> {
  if (spec.profile === undefined) {
    if (image.profile !== undefined) return { file: image.reference, table: image.profile };
    throw new InflessError('PROFILE_NOT_FOUND', `Image ${spec.image} was packed without a profile table`, {
      remedy: 'Measure its model with infless-profile and pack it again, or name a ConfigMap with the table.',
    });
  }
  const stored = await tables.read(spec.profile);
  if (stored.table.model.digest === image.model.digest) return stored;
  throw new InflessError(
    'PROFILE_INVALID',
    `Profile table ${spec.profile} was measured on another model than the one in ${spec.image}`,
    { remedy: 'Measure this one with infless-profile.' },
  );
}
