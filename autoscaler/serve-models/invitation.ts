import pc from 'picocolors';
import { formatDuration } from '../../models/base/units.ts';
import { generateInputs } from '../../models/manifest/inputs.ts';
import { openFaas } from '../../models/protocols/openfaas.ts';
import { EXAMPLE_PATH } from '../gateway/ui/example-route.ts';
import type { GivenModel } from './given-models.ts';

/** Longer bodies are fetched from the gateway instead of standing in the line. */
const MOST_CHARACTERS = 160;

/**
 * What a person sees when all is ready to be called.
 *
 * @param url of the gateway
 */
export function invitation(
  models: readonly GivenModel[],
  url: string,
  sloMs: number,
  hasPage: boolean,
): string {
  const names = models.map(({ functionName }) => functionName).join(', ');
  return [
    `Serving ${pc.bold(names)} on ${pc.bold(url)}, ${formatDuration(sloMs)} at p99. Ctrl-C ends it.`,
    ...models.map((each) => `  ${curlLine(each, url)}`),
    ...(hasPage ? [`What it does and why: ${url}/ui`] : []),
  ].join('\n');
}

/** A line for a shell that calls a function with made-up values. */
function curlLine({ functionName, model }: GivenModel, url: string): string {
  const { manifest } = model;
  const target = `${url}/function/${functionName}`;
  const example = openFaas.request(generateInputs(manifest, { batch: 1 }), manifest);
  const body = Buffer.from(example.body).toString('utf8');
  if (body.length <= MOST_CHARACTERS && !body.includes("'")) return `curl -s ${target} -d '${body}'`;
  return `curl -s ${url}${EXAMPLE_PATH}/${functionName} | curl -s ${target} -d @-`;
}
