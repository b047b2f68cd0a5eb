/**
 * Writes the definition of InferenceFunction to where kubectl, kustomize and Helm find it.
 * `npm run write:crd`, after every change of its schema.
 */
import { join } from 'node:path';
import { writeFileSafely } from '../../models/base/files.ts';
import { packageRoot } from '../../models/base/package.ts';
import { inferenceFunctionCrdYaml } from '../operator/crd.ts';

for (const place of ['base/crd.yaml', 'chart/crds/crd.yaml'])
  await writeFileSafely(join(packageRoot, 'autoscaler', 'deploy', place), inferenceFunctionCrdYaml());
