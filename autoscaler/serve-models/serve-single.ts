import { InflessError } from '../../models/base/errors.ts';
import { serve } from '../../packager/server/serve.ts';
import { serverSettings } from '../../packager/server/settings.ts';
import { tableOfHere } from './coarse-table.ts';
import { givenModels } from './given-models.ts';
import type { ServeModelsOptions } from './serve-models.ts';

/**
 * One serving process in this one: no autoscaler, no quota, batches formed by itself. What a container image
 * of the model runs.
 */
export async function serveSingle({
  models,
  slo,
  host,
  port,
}: Pick<ServeModelsOptions, 'models' | 'slo' | 'host' | 'port'>): Promise<void> {
  const [given, ...others] = await givenModels(models);
  if (given === undefined || others.length > 0) {
    throw new InflessError(
      'INVALID_INPUT',
      `--single serves one model, and ${models.join(' ')} are several`,
      {
        remedy: 'Name one, or leave --single out.',
      },
    );
  }
  const known = await tableOfHere(given);
  const url = `http://${host}:${port}/v1/models/${given.functionName}`;
  process.stdout.write(
    `Serving ${given.functionName} in one process: POST ${url}:predict\nCtrl-C ends it.\n`,
  );
  await serve(
    serverSettings({
      ...process.env,
      INFLESS_MODEL: given.model.path,
      INFLESS_MODEL_NAME: given.functionName,
      INFLESS_HOST: host,
      INFLESS_PORT: String(port),
      INFLESS_SLO_MS: String(slo),
      ...(known === undefined ? {} : { INFLESS_PROFILE: known.file }),
    }),
  );
}
