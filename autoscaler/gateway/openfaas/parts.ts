import { InflessError } from '../../../models/base/errors.ts';
import type { SecretStore } from '../../functions/secrets/secret-store.ts';
import type { AdminRouteParts } from '../admin/admin-routes.ts';
import type { ImageReading } from '../image-reading.ts';
import type { GatewayMetrics } from '../metrics.ts';

/** What OpenFaaS' interface is made of. */
export interface OpenFaasParts extends AdminRouteParts {
  readonly metrics: GatewayMetrics;
  readonly secrets: SecretStore;
  /** The one that functions are in; clients may name it, or none. */
  readonly namespace: string;
  /** What `image` of a deployment stands for on this platform. */
  readonly imageReading: ImageReading;
}

/** @throws InflessError INVALID_INPUT where a client means a namespace that is not ours */
export function checkNamespace(asked: string | null | undefined, namespace: string): void {
  if (!asked || asked === namespace) return;
  throw new InflessError('INVALID_INPUT', `There is no namespace "${asked}" here`, {
    remedy: `Functions are in "${namespace}"; leave the namespace out, or name this one.`,
  });
}
