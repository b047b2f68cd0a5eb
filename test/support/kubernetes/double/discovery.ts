import { apiVersionOf, type ResourceType } from './resource-types.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** What the server tells of itself and its kinds; undefined for any other path. */
export function discovery(path: string, types: readonly ResourceType[]): object | string | undefined {
  if (['/healthz', '/livez', '/readyz'].includes(path)) return 'ok';
  if (path === '/version') return { major: '1', minor: '20', gitVersion: 'v1.20.0-double' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(types) };
  const [, groupVersion] = /^\/apis?\/([^/]+(?:\/[^/]+)?)$/.exec(path) ?? [];
  const found = types.filter((type) => apiVersionOf(type) === groupVersion);
  if (found.length === 0) return undefined;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: found.flatMap(resources) };
}

function groups(types: readonly ResourceType[]): object[] {
  const names = new Set(types.map(({ group }) => group).filter((group) => group !== ''));
  return Array.from(names, (name) => {
    const found = new Set(types.filter(({ group }) => group === name).map(({ version }) => version));
    const versions = Array.from(found, (version) => ({ groupVersion: `${name}/${version}`, version }));
    return { name, versions, preferredVersion: versions[0] };
  });
}

function resources({ plural, singular, kind, shortNames, namespaced, subresources }: ResourceType): object[] {
  const own = { name: plural, singularName: singular, namespaced, kind, verbs: VERBS };
  const parts = subresources.map((part) => ({
    name: `${plural}/${part}`,
    singularName: '',
    namespaced,
    kind,
    verbs: ['get', 'patch', 'update'],
  }));
  return [{ ...own, ...(shortNames.length === 0 ? {} : { shortNames }) }, ...parts];
}
