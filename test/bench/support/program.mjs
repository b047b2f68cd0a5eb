import { messageOf } from '../../../dist/models/base/errors.js';

/** Runs a benchmark; what goes wrong is told in one sentence. */
export async function benchmark(run) {
  try {
    await run();
  } catch (error) {
    console.error(`error: ${messageOf(error)}`);
    if (process.env.INFLESS_DEBUG) console.error(error);
    process.exitCode = 2;
  }
}
