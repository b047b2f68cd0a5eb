import { stringify } from 'yaml';
import { composeFile } from './compose.ts';
import type { Deployment } from './deployment.ts';
import { inferenceFunction } from './infless.ts';
import { kubernetesObjects } from './kubernetes.ts';
import { openfaasStack } from './openfaas.ts';

const DIALECTS = {
  kubernetes: kubernetesObjects,
  openfaas: (deployment: Deployment) => [openfaasStack(deployment)],
  infless: (deployment: Deployment) => [inferenceFunction(deployment)],
  compose: (deployment: Deployment) => [composeFile(deployment)],
} as const satisfies Record<string, (deployment: Deployment) => readonly object[]>;

export type Dialect = keyof typeof DIALECTS;

export const DIALECT_NAMES = Object.keys(DIALECTS) as readonly Dialect[];

/** A deployment as YAML in the dialect of a platform. */
export function emitDeployment(deployment: Deployment, dialect: Dialect): string {
  // Without aliases: some readers of these files know none.
  return DIALECTS[dialect](deployment)
    .map((document) => stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 }))
    .join('---\n');
}
