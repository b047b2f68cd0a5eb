/**
 * The process in which one provider is tried: runs a tiny model on it, and says on standard output how that
 * went.
 */
import { messageOf } from '../../../base/errors.ts';
import { loadRuntime } from '../runtime.ts';
import { providerChain } from './provider-names.ts';
import { TRIAL_INPUT, trialModel } from './trial-model.ts';

async function tryIt(provider: string): Promise<void> {
  const runtime = await loadRuntime();
  runtime.env.logLevel = 'error'; // why a library cannot be loaded, the runtime tells its log alone
  const session = await runtime.InferenceSession.create(trialModel(), {
    executionProviders: [...providerChain(provider)],
    logSeverityLevel: 3,
  });
  const { name, shape } = TRIAL_INPUT;
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
  await session.run({ [name]: new runtime.Tensor('float32', data, [...shape]) });
}

try {
  await tryIt(process.argv[2]!);
  process.stdout.write(JSON.stringify({ ran: true }));
} catch (error) {
  process.stdout.write(JSON.stringify({ ran: false, reason: messageOf(error) }));
}
