import { vi } from 'vitest';
import { inferenceFunctionCrd } from '../../../autoscaler/functions/kubernetes/crd.ts';
import { INFERENCE_FUNCTION } from '../../../autoscaler/functions/kubernetes/inference-function.ts';
import type { ApiServer } from './api-server.ts';
import { DEFINITIONS_PATH } from './definitions.ts';

const { group, version, plural } = INFERENCE_FUNCTION;

/** Teaches the API server the kind InferenceFunction; resolves when it takes objects of it. */
export async function installInferenceFunctions({ requests }: ApiServer): Promise<void> {
  await requests.create(DEFINITIONS_PATH, inferenceFunctionCrd());
  await vi.waitFor(() => requests.get(`/apis/${group}/${version}/${plural}`), { timeout: 30_000 });
}

/** The path of the objects of a namespace, or of one of them. */
export function functionsPath(namespace: string, name?: string): string {
  const path = `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;
  return name === undefined ? path : `${path}/${name}`;
}
