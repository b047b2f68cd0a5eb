import type { ApiObject } from '../api-requests.ts';
import type { ListTopology } from './field-sets.ts';

/** One kind of object that the double keeps. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly subresources: readonly string[];
  readonly selectableFields: readonly string[];
  /** Whether a change of anything but metadata and status counts in `metadata.generation`. */
  readonly countsGenerations: boolean;
  /** Whether a replacement has to name the version it replaces. */
  readonly needsResourceVersion: boolean;
  /** Whether a replacement of what is not there creates it. */
  readonly createsOnReplace: boolean;
  readonly lists: ListTopology;
  /** Of a CRD's `subresources.scale`: the paths of what is in it. */
  readonly scale?: ScalePaths;
  /**
   * Fills in what is left out and drops what is unknown, in place. @throws ApiFailure for what the kind
   * forbids
   */
  admit(object: ApiObject, live: ApiObject | undefined): void;
}

export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

/** What keeps objects of a kind apart from others, whatever the version they are spoken of in. */
export function storageKey({ group, plural }: { group: string; plural: string }): string {
  return `${group}/${plural}`;
}
