import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { InflessError, systemCode } from '../../../models/base/errors.ts';
import { parseJson } from '../http/response-body.ts';

const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

/** The user a helper names when its secret is an identity token. */
const TOKEN_USER = '<token>';

/** Long enough for a helper that asks a cloud's metadata service. */
const TIMEOUT_MS = 30_000;

/**
 * Asks `docker-credential-<helper>`, as Docker does: the registry on standard input, JSON on standard output.
 *
 * @returns undefined where the helper knows nothing of the registry
 */
export async function askCredentialHelper(
  helper: string,
  registry: string,
  environment: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const { exitCode, output } = await ask(program, registry, environment);
  if (exitCode !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    const said = output.trim().split('\n')[0] || `exit code ${exitCode ?? 'none'}`;
    throw failed(program, registry, said);
  }
  const answer = answerSchema.safeParse(parseJson(output));
  if (!answer.success) throw failed(program, registry, 'its answer is not the JSON that helpers give');
  const { Username: user, Secret: secret } = answer.data;
  if (user === TOKEN_USER) return { type: 'identity-token', token: secret };
  return { type: 'password', user, password: secret };
}

async function ask(
  program: string,
  registry: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ exitCode: number | null; output: string }> {
  const child = spawn(program, ['get'], {
    env: environment,
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: TIMEOUT_MS,
  });
  child.stdin.on('error', () => {}); // one that ends without reading says why by its exit code
  child.stdin.end(registry);
  try {
    const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return { exitCode: child.exitCode, output };
  } catch (error) {
    throw failed(
      program,
      registry,
      systemCode(error) === 'ENOENT' ? 'it is not installed' : String(error),
      error,
    );
  }
}

function failed(program: string, registry: string, why: string, cause?: unknown): InflessError {
  return new InflessError('INVALID_INPUT', `${program} gave no credentials for ${registry}: ${why}`, {
    remedy: "Mend it, or take it out of docker's config.json and log in again.",
    cause,
  });
}

/** Who we are for a registry. */
export type Credentials =
  | { readonly type: 'password'; readonly user: string; readonly password: string }
  /** Some registries give `docker login` a token to get others with, in place of the password. */
  | { readonly type: 'identity-token'; readonly token: string };
