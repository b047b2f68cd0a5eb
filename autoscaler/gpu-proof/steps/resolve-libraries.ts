import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runtimeFolder } from '../../../models/engines/onnx/providers/provider-library.ts';
import { readElf } from '../../../packager/contents/runtime/elf.ts';
import { loaderFolders, neededLibraries } from '../../../packager/contents/runtime/needed-libraries.ts';
import { CUDA_PROVIDER } from '../bundle/provider/cuda-provider.ts';
import { codeInLibrary } from '../bundle/provider/slim-provider.ts';
import type { Step } from '../step.ts';

/** Step b: what the engine and its CUDA provider need of other libraries, and where this machine has it. */
export const resolveLibraries: Step = async ({ doing, record }) => {
  const folder = runtimeFolder();
  const names = await readdir(folder);
  const files = names.filter((name) => /^lib.*\.so/.test(name)).map((name) => join(folder, name));
  const providers = names.filter((name) => name.includes('_providers_'));
  doing('reading NEEDED');
  const libraries = await neededLibraries(files, await loaderFolders());
  const missing = libraries.filter(({ path }) => path === undefined);
  const ofDriver = missing.filter((library) => library.isOfDriver);
  const needed = await Promise.all(files.map(async (file) => [file, await readElf(file)] as const));
  record({ files: Object.fromEntries(needed), libraries });
  if (!providers.some((name) => name.includes('cuda'))) {
    return {
      outcome: 'failed',
      sentence: `The engine has no CUDA provider beside it (${folder}): docs/gpu.md says how to get it.`,
    };
  }
  doing('reading which cards the provider has code for');
  const codeFor = await codeInLibrary(join(folder, CUDA_PROVIDER));
  record({ codeFor });
  const lost = missing.filter((library) => !library.isOfDriver);
  if (lost.length > 0) {
    const list = lost.map(({ name, package: from }) => (from === undefined ? name : `${name} (of ${from})`));
    return {
      outcome: 'failed',
      sentence: `${list.length} of ${libraries.length} libraries are missing: ${list.join(', ')}.`,
    };
  }
  const driver =
    ofDriver.length === 0
      ? 'the driver’s own too'
      : `all but the driver’s own ${ofDriver.map(({ name }) => name).join(', ')}`;
  return {
    outcome: 'passed',
    sentence: `${libraries.length} libraries that ${files.length} files need are found, ${driver}; the provider has code for sm_${codeFor.join(', sm_')}.`,
  };
};
