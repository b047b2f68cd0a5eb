import { errors } from 'undici';
import { InflessError, messageOf, systemCode } from '../../../models/base/errors.ts';
import { TransientFailure } from './patience.ts';
import { oneLine } from './refusal.ts';

/** Connection failures that pass by themselves; those a person must mend do not. */
const BROKEN_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections',
  ENOTFOUND: 'is unknown: there is no such host',
  EAI_AGAIN: 'cannot be looked up',
  HTTP: 'does not speak HTTP',
  EPROTO: 'does not speak HTTPS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak HTTPS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'does not speak HTTPS',
  UND_ERR_CONNECT_TIMEOUT: 'does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'does not answer',
  UND_ERR_BODY_TIMEOUT: 'has stopped sending',
};

/**
 * What an error below HTTP means; one that is not of the network (the file that is being sent cannot be read)
 * is given back as it is.
 *
 * @param isKnown whether the registry has answered before: then it is being restarted rather than misspelt
 */
export function networkFailureOf(error: unknown, registry: string, isKnown: boolean): unknown {
  const code = error instanceof errors.HTTPParserError ? 'HTTP' : systemCode(error);
  if (code === undefined) return error;
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return new InflessError('IMAGE_CORRUPT', 'A file changed its size while it was pushed', {
      remedy: 'Pack the image again.',
      cause: error,
    });
  }
  if (isCertificateCode(code)) {
    return new InflessError(
      'REGISTRY_FAILED',
      `Registry ${registry} shows a certificate that is not trusted (${code})`,
      { remedy: 'Name the file of its authority in NODE_EXTRA_CA_CERTS.', cause: error },
    );
  }
  const isBroken = BROKEN_CODES.has(code) || (code === 'ECONNREFUSED' && isKnown);
  const words = WORDS[code] ?? (isBroken ? 'broke the connection' : undefined);
  if (words === undefined) return error;
  const failure = new InflessError(
    'REGISTRY_FAILED',
    `Registry ${registry} ${words} (${detailOf(error, code)})`,
    {
      remedy: words.endsWith('HTTPS')
        ? 'Use --insecure (of a function: insecure: true) if it is meant to speak plain HTTP.'
        : 'Check its address, that it runs, and the network, then try again.',
      cause: error,
    },
  );
  return isBroken ? new TransientFailure(failure) : failure;
}

function isCertificateCode(code: string): boolean {
  return /CERT|UNABLE_TO_VERIFY|^SELF_SIGNED/.test(code);
}

/** undici's codes are for programs; its messages are short and say more. */
function detailOf(error: unknown, code: string): string {
  return code === 'HTTP' || code.startsWith('UND_ERR_') ? oneLine(messageOf(error)) : code;
}
