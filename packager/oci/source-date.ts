import { InflessError } from '../../models/base/errors.ts';

/** Tar headers of the widest used writers hold no later time. */
const LATEST_SECONDS = 2 ** 31 - 1;

/**
 * The time that everything in an image bears: `SOURCE_DATE_EPOCH` (seconds since 1970), else 1970, never now.
 *
 * @throws InflessError INVALID_INPUT for one that is no such time
 */
export function sourceDate(environment: NodeJS.ProcessEnv = process.env): Date {
  const text = environment.SOURCE_DATE_EPOCH;
  if (text === undefined || text === '') return new Date(0);
  const seconds = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= LATEST_SECONDS) return new Date(seconds * 1000);
  throw new InflessError('INVALID_INPUT', `SOURCE_DATE_EPOCH is "${text}"`, {
    remedy: `Set it to whole seconds since 1970, up to ${LATEST_SECONDS}, or unset it.`,
  });
}
