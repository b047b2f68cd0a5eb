import { InflessError } from '../../../models/base/errors.ts';

/** @throws InflessError INVALID_INPUT where a client means a namespace that is not ours */
export function checkNamespace(asked: string | null | undefined, namespace: string): void {
  if (!asked || asked === namespace) return;
  throw new InflessError('INVALID_INPUT', `There is no namespace "${asked}" here`, {
    remedy: `Functions are in "${namespace}"; leave the namespace out, or name this one.`,
  });
}
