import { parse } from 'yaml';
import { InflessError, messageOf } from './errors.ts';
import type { Boundary } from './schema.ts';

/**
 * The data of a YAML text. Not part of schema.ts, so that a serving process does without the parser.
 *
 * @throws InflessError of the boundary's code, with the first line that is wrong
 */
export function parseYaml(text: string, { what, code = 'INVALID_INPUT', remedy }: Boundary): unknown {
  try {
    return parse(text);
  } catch (error) {
    const [line] = messageOf(error).split('\n');
    throw new InflessError(code, `${what} is not valid YAML: ${line}`, {
      ...(remedy === undefined ? {} : { remedy }),
      cause: error,
    });
  }
}
