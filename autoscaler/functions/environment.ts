import { SERVER_ENVIRONMENT } from '../../packager/server/instance-protocol.ts';

/** They choose what a process loads and runs before any of our code does. */
const CODE_VARIABLES = /^(?:NODE_.*|LD_.*|DYLD_.*|PATH|OPENSSL_CONF|GCONV_PATH)$/s;
/** Settings of the serving process itself. */
const OUR_VARIABLES = /^INFLESS_/;
/** Those of them that are for a function's owner to choose: bounds of what one instance holds. */
const OWNER_VARIABLES: readonly string[] = [
  SERVER_ENVIRONMENT.queueLimit,
  SERVER_ENVIRONMENT.maxBodyBytes,
  SERVER_ENVIRONMENT.maxRows,
  SERVER_ENVIRONMENT.maxAnswerBytes,
];

/**
 * Why a function may not set a variable of this name: a caller who declares a function chooses its model, not
 * the code that runs it. Case makes no difference, since it makes none on Windows.
 *
 * @returns the predicate of a sentence about the variable; undefined for one that may be set
 */
export function variableRefusal(name: string): string | undefined {
  if (name === '' || /[=\0]/.test(name)) return 'is no name of a variable'; // "A=B" would set A
  const variable = name.toUpperCase();
  if (CODE_VARIABLES.test(variable))
    return 'may not be set by a function, as it decides what code runs: leave it out';
  if (OUR_VARIABLES.test(variable) && !OWNER_VARIABLES.includes(variable)) {
    return `is for the autoscaler to set: leave it out (a function may set ${OWNER_VARIABLES.slice(0, -1).join(', ')} and ${OWNER_VARIABLES.at(-1)})`;
  }
  return undefined;
}
