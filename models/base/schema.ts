import type { z } from 'zod';
import { type ErrorCode, InflessError, messageOf } from './errors.ts';

export interface Boundary {
  /** What is being read, as it starts the sentence: `profile table resnet.json`. */
  readonly what: string;
  readonly code?: ErrorCode;
  readonly remedy?: string;
  /** Whoever reads the sentence may not be one to read the text: nothing of it is quoted. */
  readonly isPrivate?: boolean;
  /** Whether every problem is told, not the first and how many more there are. */
  readonly everyProblem?: boolean;
}

/**
 * The data of a JSON text.
 *
 * @throws InflessError of the boundary's code
 */
export function parseJson(
  text: string,
  { what, code = 'INVALID_INPUT', remedy, isPrivate = false }: Boundary,
): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = isPrivate ? '' : ` (${messageOf(error).replace(/\s+/g, ' ')})`;
    throw new InflessError(code, `${what} is not JSON${why}`, {
      ...(remedy === undefined ? {} : { remedy }),
      cause: error,
    });
  }
}

/** Validates data that crosses a boundary; says in one sentence which field is wrong and why. */
export function parseWith<S extends z.ZodType>(schema: S, data: unknown, boundary: Boundary): z.output<S> {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const { issues } = result.error;
  const tell = ({ path, message }: (typeof issues)[number]): string =>
    `${path.length === 0 ? '' : ` at "${formatPath(path)}"`}: ${message}`;
  const more = issues.length - 1;
  const told = boundary.everyProblem ? issues.map(tell).join(';') : tell(issues[0]!);
  const rest =
    boundary.everyProblem || more === 0 ? '' : ` (and ${more} more problem${more === 1 ? '' : 's'})`;
  throw new InflessError(boundary.code ?? 'INVALID_INPUT', `${boundary.what} is not valid${told}${rest}`, {
    ...(boundary.remedy === undefined ? {} : { remedy: boundary.remedy }),
    cause: result.error,
  });
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}
