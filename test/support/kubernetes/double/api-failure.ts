/** A refusal, as the API server puts it: a `Status` object. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly code: number;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: number, reason: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  get body() {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

interface Named {
  readonly group: string;
  readonly plural: string;
}

/** `pods`, `leases.coordination.k8s.io` */
export function qualified({ group, plural }: Named): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function badRequest(message: string): ApiFailure {
  return new ApiFailure(400, 'BadRequest', message);
}

export function notFound(type: Named, name: string): ApiFailure {
  return new ApiFailure(404, 'NotFound', `${qualified(type)} "${name}" not found`, {
    name,
    kind: type.plural,
  });
}

export function alreadyExists(type: Named, name: string): ApiFailure {
  return new ApiFailure(409, 'AlreadyExists', `${qualified(type)} "${name}" already exists`, {
    name,
    kind: type.plural,
  });
}

export function conflict(type: Named, name: string, why: string): ApiFailure {
  return new ApiFailure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${why}`,
    { name, kind: type.plural },
  );
}

export const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

/** @param causes one a mistake: `spec.slo: Required value` */
export function invalid(subject: string, name: string, causes: readonly string[]): ApiFailure {
  const list = causes.length === 1 ? causes[0]! : `[${causes.join(', ')}]`;
  return new ApiFailure(422, 'Invalid', `${subject} "${name}" is invalid: ${list}`, {
    name,
    causes: causes.map((cause) => {
      const [field = '', ...message] = cause.split(': ');
      return { reason: 'FieldValueInvalid', field, message: message.join(': ') };
    }),
  });
}

export function expired(message: string): ApiFailure {
  return new ApiFailure(410, 'Expired', message);
}
