import type { Deployment } from '../../autoscaler/functions/deployment.ts';
import { type FunctionDeclaration, parseFunctionSpec } from '../../autoscaler/functions/spec.ts';
import { ServiceTimes } from '../../autoscaler/latency/service-times.ts';
import type { Random } from '../../models/base/random.ts';
import type { Config } from '../../profiles/config.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { cell, table } from '../profiles/sample-table.ts';

/**
 * Batches gain, more CPU helps in proportion: a model that takes 10 ms and 6 ms more for each row on one
 * core.
 */
export const PROFILE: ProfileTable = table(
  [500, 1000, 2000].flatMap((cpuMillicores) =>
    [1, 2, 4, 8].map((batch) =>
      cell(batch, cpuMillicores, ((10 + 6 * batch) * 1000) / cpuMillicores, { firstAnswerMs: 800 }),
    ),
  ),
);

const TIMES = new ServiceTimes(PROFILE);

/**
 * How long a batch takes by that table, drawn from the upper half of its distribution, which is what it
 * knows.
 */
export function drawnMs(config: Config, rows: number, random: Random): number {
  return TIMES.batchMs(config, rows, Math.max(0.5, Math.min(0.999, random())));
}

export interface Declared {
  readonly origin: 'rest';
  readonly declaration: FunctionDeclaration;
  readonly deployment: Deployment;
}

/** A function as it comes out of being declared and resolved; `version` stands for its model. */
export function declared(
  name: string,
  change: Partial<FunctionDeclaration> = {},
  { version = 'v1', profile = PROFILE }: { version?: string; profile?: ProfileTable } = {},
): Declared {
  const declaration: FunctionDeclaration = { name, model: 'simulated.onnx', slo: '200ms', ...change };
  const spec = parseFunctionSpec(declaration, 'The function');
  return {
    origin: 'rest',
    declaration,
    deployment: {
      spec,
      model: { path: 'simulated.onnx', manifest: profile.model },
      profile: { file: 'simulated.json', table: profile },
      maxBatch: spec.maxBatch ?? Number.MAX_SAFE_INTEGER,
      workload: {
        version,
        model: 'simulated.onnx',
        modelName: name,
        sloMs: spec.slo,
        environment: spec.environment,
        secrets: [],
      },
      warnings: [],
    },
  };
}
