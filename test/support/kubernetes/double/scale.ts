import type { ApiObject } from '../api-requests.ts';
import type { ResourceType } from './resource-types.ts';

type Fields = Record<string, unknown>;

/** The `Scale` of an object whose CRD says where its numbers are. */
export function scaleOf({ scale }: ResourceType, object: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name: name!, namespace: namespace!, uid: uid!, resourceVersion: resourceVersion! },
    spec: { replicas: read(object, scale!.specReplicasPath) ?? 0 },
    status: {
      replicas: read(object, scale!.statusReplicasPath) ?? 0,
      ...(scale!.labelSelectorPath === undefined ? {} : { selector: read(object, scale!.labelSelectorPath) }),
    },
  };
}

/** The object with the number that its `Scale` was given. */
export function scaled({ scale }: ResourceType, object: ApiObject, wanted: ApiObject): ApiObject {
  const result = structuredClone(object);
  const names = fieldNames(scale!.specReplicasPath);
  let at: Fields = result;
  for (const name of names.slice(0, -1)) {
    at[name] ??= {};
    at = at[name] as Fields;
  }
  at[names.at(-1)!] = (wanted.spec as Fields).replicas;
  return result;
}

function read(object: ApiObject, path: string): unknown {
  return fieldNames(path).reduce<unknown>((at, name) => (at as Fields | undefined)?.[name], object);
}

/** `.spec.scale.minInstances` */
function fieldNames(path: string): string[] {
  return path.split('.').filter((name) => name !== '');
}
