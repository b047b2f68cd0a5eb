import { option } from '../../models/base/command-line/option-table.ts';
import { text } from '../../models/base/command-line/parsers.ts';
import { type ErrorCode, InflessError, messageOf } from '../../models/base/errors.ts';
import { stateDirectory } from '../../models/base/files.ts';
import { isLoopbackName } from '../gateway/admin-guard/host-name.ts';
import { basicAuthorization, knownLogin } from '../gateway/basic-auth.ts';

/** Of every command that asks a running autoscaler. */
export const URL_OPTION = option({
  flag: '--url <url>',
  parse: text,
  default: 'http://127.0.0.1:8080',
  help: 'URL of the running autoscaler; with a login: http://USER:PASSWORD@HOST:PORT',
});

/** Nothing that is asked takes longer, but for what is followed. */
const TIMEOUT_MS = 30_000;

/** What the statuses of the REST interface mean, for exit codes. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_INPUT',
  401: 'INVALID_INPUT',
  403: 'INVALID_INPUT',
  404: 'FUNCTION_NOT_FOUND',
  421: 'INVALID_INPUT',
  422: 'SLO_INFEASIBLE',
};

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Ends it; default: after 30 s. */
  readonly signal?: AbortSignal;
}

/** A running autoscaler, by its REST interface. */
export class AutoscalerClient {
  readonly url: URL;
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws InflessError INVALID_INPUT for what is no URL */
  constructor(given: string) {
    const parsed = URL.canParse(given) ? new URL(given) : undefined;
    if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
      throw new InflessError('INVALID_INPUT', `--url "${given}" is not a URL`, {
        remedy: 'Write it like http://127.0.0.1:8080.',
      });
    }
    const { username, password } = parsed;
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.#headers =
      username === '' && password === ''
        ? {}
        : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
    parsed.username = ''; // `fetch` takes none, and no sentence must repeat them
    parsed.password = '';
    this.url = parsed;
  }

  /** @throws InflessError PLATFORM_FAILED where none answers, else what it says */
  async ask<T>(question: Question): Promise<T> {
    const answer = await this.send(question);
    const body = await answer.text();
    return (body === '' ? undefined : JSON.parse(body)) as T;
  }

  /** Where none was given, the login of this user's autoscaler on this machine; changes alone need it. */
  async #loginFor(method: string): Promise<Readonly<Record<string, string>>> {
    const isGiven = this.#headers.authorization !== undefined;
    if (isGiven || method === 'GET' || !isLoopbackName(this.url.hostname)) return this.#headers;
    const directory = process.env.INFLESS_STATE_DIR || stateDirectory();
    const login = await knownLogin(directory).catch(() => undefined);
    return login === undefined ? this.#headers : { authorization: basicAuthorization(login) };
  }

  /** @throws InflessError as {@link ask} */
  async send({ method = 'GET', path, body, signal }: Question): Promise<Response> {
    const answer = await fetch(new URL(path, this.url), {
      method,
      headers: {
        ...(await this.#loginFor(method)),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ?? AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      const cause = error instanceof Error ? error.cause : undefined;
      throw new InflessError(
        'PLATFORM_FAILED',
        `No autoscaler answers at ${this.url.origin} (${messageOf(cause ?? error) || 'no connection'})`,
        { remedy: 'Start one, for example with infless serve, or give its --url.', cause: error },
      );
    });
    if (answer.ok) return answer;
    throw await refusalOf(answer, this.url);
  }
}

async function refusalOf(answer: Response, { origin }: URL): Promise<InflessError> {
  const text = await answer.text();
  let told: unknown;
  try {
    told = (JSON.parse(text) as { readonly error?: unknown }).error;
  } catch {
    told = undefined;
  }
  const code = CODES[answer.status] ?? 'PLATFORM_FAILED';
  if (typeof told === 'string') return new InflessError(code, told.replace(/\.$/, ''));
  return new InflessError(code, `${origin} answers with status ${answer.status}: ${text.slice(0, 200)}`);
}
