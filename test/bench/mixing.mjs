/**
 * Whether rows that depend on each other are ever taken to be independent: graphs from a generator (kind of
 * dependence × place in the graph × element type × shape), half of them independent, are inspected as any
 * model is, and served in batches of requests of all scales and signs. A dependent one that is accepted, and
 * any answer that is not what the request gets alone, is a fault; an independent one that is refused is slow.
 *
 *     npm run bench:mixing [-- --seed 1] [--graphs 50] [--json] [--verbose]
 */
import { parseArgs } from 'node:util';
import { measureMixing } from '../../dist/test/support/mixing/measure.js';
import { benchmark } from './support/program.mjs';

const OPTIONS = {
  seed: { type: 'string', default: '1' },
  graphs: { type: 'string', default: '50' },
  json: { type: 'boolean', default: false },
  /** A line for each graph on standard error, with what was made of it and why. */
  verbose: { type: 'boolean', default: false },
};

await benchmark(async () => {
  const { values } = parseArgs({ options: OPTIONS });
  const figures = await measureMixing(Number(values.seed), Number(values.graphs), (judged) => {
    if (!values.verbose) return;
    const { name, accepted, reason, differing } = judged;
    console.error(`${accepted ? 'batched' : 'one by one'}  ${name}  (${reason}; ${differing} differ)`);
  });
  if (values.json) {
    console.log(JSON.stringify(figures));
    return;
  }
  const { dependent, independent, differing } = figures;
  console.log(`${dependent.accepted} of ${dependent.graphs} graphs with dependent rows were taken to batch`);
  console.log(`${independent.refused} of ${independent.graphs} graphs with independent rows were refused`);
  console.log(`${differing} answers to requests that came together differ from those to each alone`);
});
