import { describe, expect, it } from 'vitest';
import type { GraphNode } from '../../../../../models/engines/onnx/tracing/graph.ts';
import { operatorOf } from '../../../../../models/engines/onnx/tracing/operators.ts';

const GRAPH_NODE: GraphNode = { name: 'n', op: 'Conv', domain: '', weights: [], group: 1, window: 1 };
const TRACED = { name: 'n', op: 'Conv', inputs: [], outputs: [], durationMs: 1 };

describe('operatorOf', () => {
  it('tells kinds of convolutions apart, and whose they are', () => {
    const kind = (fields: Partial<GraphNode>): string =>
      operatorOf(TRACED, { ...GRAPH_NODE, ...fields }).kind;
    expect(kind({ window: 1 })).toBe('Conv/pointwise');
    expect(kind({ window: 9, domain: 'com.microsoft.nchwc' })).toBe('nchwc.Conv/spatial');
    expect(kind({ window: 9, group: 32, weights: [[32, 1, 3, 3]] })).toBe('Conv/depthwise');
    expect(kind({ window: 9, group: 4, weights: [[32, 8, 3, 3]] })).toBe('Conv/grouped');
  });
});
