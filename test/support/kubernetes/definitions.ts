import type { ApiRequests } from './api-requests.ts';

export const DEFINITIONS_PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

interface Condition {
  readonly type: string;
  readonly status: string;
}

/**
 * Whether the API server has made a kind of a definition; in the first moment it has nothing to say of it.
 */
export async function isEstablished(requests: ApiRequests, name: string): Promise<boolean> {
  const { status } = await requests.get(`${DEFINITIONS_PATH}/${name}`);
  const { conditions } = (status ?? {}) as { conditions?: readonly Condition[] | null };
  return conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
}
