import { InflessError, systemCode } from '../../models/base/errors.ts';

/** A limit that the kernel did not take, as an error that a user can act upon. */
export function kernelRefused(cpuMillicores: number, error: unknown): InflessError {
  return new InflessError(
    'PLATFORM_FAILED',
    `The kernel refuses a CPU quota of ${cpuMillicores} millicores (${systemCode(error) ?? String(error)})`,
    {
      // What EINVAL means for a number that is right in itself.
      remedy: 'Ask for no more CPU than the container or unit that this runs in has itself.',
      cause: error,
    },
  );
}
