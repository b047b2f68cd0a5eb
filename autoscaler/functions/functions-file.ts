import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { InflessError, messageOf, systemCode } from '../../models/base/errors.ts';
import { parseWith } from '../../models/base/schema.ts';
import { parseYaml } from '../../models/base/yaml.ts';
import { formatLayoutName, isLayoutName, parseLayoutName } from '../../packager/layout/layout-name.ts';
import { isProfileReference } from './profile-reference.ts';
import { type FunctionDeclaration, parseFunctionSpec } from './spec.ts';

const functionsFileSchema = z.strictObject({ functions: z.array(z.unknown()) });

/**
 * Reads a YAML or JSON file of the form `functions: [{name, model, slo, …}]`. Paths in it are relative to the
 * file itself.
 *
 * @throws InflessError INVALID_INPUT: which function, which field, and why.
 */
export async function readFunctionsFile(file: string): Promise<FunctionDeclaration[]> {
  const what = `Functions file ${file}`;
  const { functions } = parseWith(functionsFileSchema, parseYaml(await readText(file), { what }), {
    what,
    remedy: 'Write a list under the key "functions".',
  });
  const declarations = functions.map((declaration, index) => {
    parseFunctionSpec(declaration, `Function ${index + 1} of ${file}`);
    return relativeTo(dirname(resolve(file)), declaration as FunctionDeclaration);
  });
  refuseDuplicates(file, declarations);
  return declarations;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new InflessError(
      'INVALID_INPUT',
      `Functions file ${file} cannot be read (${systemCode(error) ?? messageOf(error)})`,
      {
        remedy: 'Give the path of a YAML or JSON file.',
        cause: error,
      },
    );
  }
}

/**
 * A path is resolved, a zoo name left alone; only something with a separator or a file ending is a path. A
 * table may lie in the cluster.
 */
function relativeTo(directory: string, declaration: FunctionDeclaration): FunctionDeclaration {
  const isPath = (text: string): boolean => /[./\\]/.test(text);
  const { model, image, profile, sample } = declaration;
  return {
    ...declaration,
    ...(model === undefined ? {} : { model: isPath(model) ? resolve(directory, model) : model }),
    ...(image === undefined ? {} : { image: imageRelativeTo(directory, image) }),
    ...(typeof sample === 'string' ? { sample: resolve(directory, sample) } : {}),
    ...(profile === undefined
      ? {}
      : { profile: isProfileReference(profile) ? profile : resolve(directory, profile) }),
  };
}

function imageRelativeTo(directory: string, image: string): string {
  if (!isLayoutName(image)) return image;
  const layout = parseLayoutName(image);
  return formatLayoutName({ ...layout, directory: resolve(directory, layout.directory) });
}

function refuseDuplicates(file: string, declarations: readonly FunctionDeclaration[]): void {
  const names = declarations.map(({ name }) => name);
  const duplicate = names.find((name, index) => names.indexOf(name) !== index);
  if (duplicate === undefined) return;
  throw new InflessError('INVALID_INPUT', `Functions file ${file} declares "${duplicate}" twice`, {
    remedy: 'Give each function a name of its own.',
  });
}
