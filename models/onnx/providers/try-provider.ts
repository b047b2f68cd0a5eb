import { execFile } from 'node:child_process';
import { z } from 'zod';
import { programFile } from '../../base/package.ts';
import { CPU_PROVIDER, type Provider, type ProviderName, type ProviderQuery } from '../../provider.ts';
import { cudaEnvironment } from './cuda-libraries.ts';
import { providerFacts } from './facts.ts';
import { explainFailure } from './provider-errors.ts';
import { checkProviderName, providerNames } from './provider-names.ts';

/** The first start of CUDA on a cold machine takes tens of seconds: gigabytes of libraries are read. */
const TIMEOUT_MS = 60_000;

const outcomeSchema = z.discriminatedUnion('ran', [
  z.object({ ran: z.literal(true) }),
  z.object({ ran: z.literal(false), reason: z.string() }),
]);

/** The providers of ONNX Runtime here; see {@link Engine.providers}. */
export async function onnxProviders({ only, environment }: ProviderQuery = {}): Promise<readonly Provider[]> {
  for (const name of only ?? []) await checkProviderName(name);
  const found: Provider[] = [];
  for (const name of only ?? (await providerNames())) found.push(await tryProvider(name, environment));
  return found;
}

/** Runs a tiny model on a provider, in a process that finds CUDA's libraries. */
export async function tryProvider(
  name: ProviderName,
  environment: NodeJS.ProcessEnv = {},
): Promise<Provider> {
  if (name === CPU_PROVIDER) return { name };
  const surroundings = { ...process.env, ...environment };
  const complete = { ...surroundings, ...cudaEnvironment(surroundings) };
  const reason = await trial(name, complete);
  if (reason === undefined) return { name };
  const failure = explainFailure(reason, await providerFacts(name, complete));
  const { what, remedy } = failure ?? unexplained(name, reason);
  return { name, unusable: { what, remedy } };
}

/** Undefined where it ran, else all that runtime and process have said. */
function trial(name: ProviderName, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [programFile('models/onnx/providers/trial-process'), name],
      { env: environment, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        const outcome = parse(stdout);
        if (outcome?.ran === true) resolve(undefined);
        else resolve([outcome?.reason ?? died(error), stderr].join('\n'));
      },
    );
  });
}

function parse(text: string): z.output<typeof outcomeSchema> | undefined {
  try {
    return outcomeSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // it ended before it could say anything
  }
}

function died(error: (Error & { killed?: boolean; signal?: NodeJS.Signals | null }) | null): string {
  if (error?.killed === true) return `it did not answer within ${TIMEOUT_MS / 1000} s`;
  return error?.signal ? `its process crashed (${error.signal})` : 'its process ended without a word';
}

const LONGEST_REASON = 160;

function unexplained(name: ProviderName, reason: string): { what: string; remedy: string } {
  const line = reason
    .replace(/^(?:\/\S+:\d+ .*?\)(?: const)? |.*?was false\. )/s, '')
    .split('\n', 1)[0]!
    .replace(/[.\s]+$/, '');
  const short = line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON - 1)}…` : line;
  return {
    what: `The ${name} provider of ONNX Runtime does not start here (${short})`,
    remedy: 'Use another provider, or none.',
  };
}
