import type { ApiObject } from '../api-requests.ts';
import { invalid } from './api-failure.ts';
import type { ListTopology } from './field-sets.ts';
import type { ResourceType, ScalePaths } from './resource-types.ts';
import { compiledSchema, defaultAndPrune, type Schema, structuralMistakes } from './structural-schema.ts';

interface CustomResourceDefinition {
  readonly group: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly names: {
    plural: string;
    singular?: string;
    kind: string;
    listKind?: string;
    shortNames?: string[];
  };
  readonly versions: readonly CustomVersion[];
}

interface CustomVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema?: { openAPIV3Schema?: Schema };
  readonly subresources?: { status?: object; scale?: ScalePaths };
}

export const DEFINITIONS: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  kind: 'CustomResourceDefinition',
  shortNames: ['crd', 'crds'],
  namespaced: false,
  subresources: ['status'],
  selectableFields: ['metadata.name'],
  countsGenerations: true,
  needsResourceVersion: true,
  createsOnReplace: false,
  lists: (path) => (path.at(-1) === 'conditions' ? ['type'] : 'atomic'),
  admit: admitDefinition,
};

function specOf(definition: ApiObject): CustomResourceDefinition {
  return definition.spec as CustomResourceDefinition;
}

/** What is wrong with one is told at once; what is right is served at once. */
function admitDefinition(definition: ApiObject): void {
  const { group, names, versions } = specOf(definition);
  const mistakes = versions.flatMap(({ name, schema }, index) => {
    const path = `spec.versions[${index}].schema.openAPIV3Schema`;
    return schema?.openAPIV3Schema === undefined
      ? [`spec.versions[${name}].schema: Required value: schemas are required`]
      : structuralMistakes(schema.openAPIV3Schema, path);
  });
  if (definition.metadata.name !== `${names.plural}.${group}`)
    mistakes.push(`metadata.name: Invalid value: must be spec.names.plural+"."+spec.group`);
  if (versions.filter(({ storage }) => storage).length !== 1)
    mistakes.push('spec.versions: Invalid value: must have exactly one version marked as storage version');
  if (mistakes.length > 0)
    throw invalid('CustomResourceDefinition.apiextensions.k8s.io', definition.metadata.name!, mistakes);
  const accepted = { singular: names.kind.toLowerCase(), listKind: `${names.kind}List`, ...names };
  definition.spec = { ...specOf(definition), names: accepted };
  const met = (type: string) => ({ type, status: 'True', reason: 'Accepted', message: '' });
  definition.status = {
    acceptedNames: accepted,
    conditions: [met('NamesAccepted'), met('Established')],
    storedVersions: versions.filter(({ storage }) => storage).map(({ name }) => name),
  };
}

/**
 * Its own lists the real one, too, takes as a whole: up to 1.20 their `x-kubernetes-list-type` does not tell
 * appliers apart.
 */
const METADATA_LISTS: ListTopology = ([field, name]) => {
  if (field !== 'metadata') return 'atomic';
  return name === 'ownerReferences' ? ['uid'] : name === 'finalizers' ? 'set' : 'atomic';
};

/** The kinds that a definition makes: one a served version. */
export function customTypes(definition: ApiObject): ResourceType[] {
  const { group, scope, names, versions } = specOf(definition);
  return versions
    .filter(({ served }) => served)
    .map(({ name, schema, subresources = {} }): ResourceType => {
      const root = rootSchema(schema!.openAPIV3Schema!);
      const mistakesIn = compiledSchema(root);
      return {
        group,
        version: name,
        plural: names.plural,
        singular: names.singular ?? names.kind.toLowerCase(),
        kind: names.kind,
        shortNames: names.shortNames ?? [],
        namespaced: scope === 'Namespaced',
        subresources: Object.keys(subresources),
        selectableFields: ['metadata.name', 'metadata.namespace'],
        countsGenerations: true,
        needsResourceVersion: true,
        createsOnReplace: false,
        lists: METADATA_LISTS,
        ...(subresources.scale === undefined ? {} : { scale: subresources.scale }),
        admit(object) {
          defaultAndPrune(object, root);
          const mistakes = mistakesIn(object);
          if (mistakes.length > 0) throw invalid(`${names.kind}.${group}`, object.metadata.name!, mistakes);
        },
      };
    });
}

/** `metadata` is Kubernetes' own whatever the schema says of it. */
function rootSchema(schema: Schema): Schema {
  const metadata: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const text: Schema = { type: 'string' };
  return { ...schema, properties: { ...schema.properties, apiVersion: text, kind: text, metadata } };
}
