import { type ErrorCode, InflessError, messageOf } from '../../../models/base/errors.ts';
import type { ExplanationReport } from '../../planning/explain/explanation-report.ts';

/** Nothing in an explanation takes longer. */
const TIMEOUT_MS = 30_000;

/** What the statuses of the REST interface mean, for exit codes. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_INPUT',
  401: 'INVALID_INPUT',
  404: 'FUNCTION_NOT_FOUND',
  421: 'INVALID_INPUT',
  422: 'SLO_INFEASIBLE',
};

/**
 * Asks a running autoscaler.
 *
 * @param baseUrl such as `http://127.0.0.1:8080`, or `http://user:password@127.0.0.1:8080`
 * @throws InflessError PLATFORM_FAILED where none answers, else what it says
 */
export async function fetchExplanation(
  baseUrl: string,
  name: string,
  ratePerSecond?: number,
): Promise<ExplanationReport> {
  const { url, headers } = withoutCredentials(explanationUrl(baseUrl, name, ratePerSecond));
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { headers, signal }).catch((error: unknown) => {
    const cause = error instanceof Error ? error.cause : undefined;
    throw new InflessError(
      'PLATFORM_FAILED',
      `No autoscaler answers at ${url.origin} (${messageOf(cause ?? error) || 'no connection'})`,
      {
        remedy: 'Start one, give its --url, or explain without one by --functions and --rate.',
        cause: error,
      },
    );
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok && typeof body === 'object' && body !== null && 'constraint' in body) {
    return body as ExplanationReport;
  }
  const told = typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : undefined;
  throw new InflessError(
    CODES[response.status] ?? 'PLATFORM_FAILED',
    told ??
      `What answers at ${url.origin} is no infless-autoscaler that explains (status ${response.status})`,
  );
}

function explanationUrl(baseUrl: string, name: string, ratePerSecond: number | undefined): URL {
  try {
    const url = new URL(`/api/functions/${encodeURIComponent(name)}/explanation`, baseUrl);
    if (ratePerSecond !== undefined) url.searchParams.set('rate', String(ratePerSecond));
    return url;
  } catch (error) {
    throw new InflessError('INVALID_INPUT', `--url "${baseUrl}" is not a URL`, {
      remedy: 'Write it like http://127.0.0.1:8080.',
      cause: error,
    });
  }
}

/** `fetch` takes no credentials in an address, and no sentence of ours must repeat them. */
function withoutCredentials(given: URL): { readonly url: URL; readonly headers: Record<string, string> } {
  const { username, password } = given;
  if (username === '' && password === '') return { url: given, headers: {} };
  const url = new URL(given);
  url.username = '';
  url.password = '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } };
}
