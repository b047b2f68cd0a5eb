import { hasCountedAxis } from '../../batch-axes/counts/facts.ts';
import type { GraphEvidence } from '../../batch-axes/evidence.ts';
import { readModelProto } from '../model-proto.ts';
import { GraphFacts } from './graph-facts.ts';

/** What the graph of an ONNX file tells about its outputs. */
export function graphEvidence(path: string): GraphEvidence {
  const outputs = new GraphFacts(readModelProto(path)).outputs();
  return {
    isCounted(output, axis) {
      const facts = outputs.get(output);
      return facts !== undefined && hasCountedAxis(facts, axis);
    },
  };
}
