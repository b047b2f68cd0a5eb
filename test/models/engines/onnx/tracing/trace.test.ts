import { describe, expect, it } from 'vitest';
import { parseTrace } from '../../../../../models/engines/onnx/tracing/trace.ts';

const session = (name: string, ts: number, dur: number) => ({ cat: 'Session', name, ts, dur, args: {} });
const node = (name: string, op: string, ts: number, dur: number) => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: {
    op_name: op,
    input_type_shape: [{ float: [2, 3] }],
    output_type_shape: [{ float: [2, 5] }],
  },
});

describe('parseTrace', () => {
  it('tells runs apart, each with its operators in order', () => {
    const runs = parseTrace(
      JSON.stringify([
        session('model_loading_uri', 0, 5),
        node('a', 'Gemm', 10, 4),
        node('b', 'Relu', 15, 1),
        session('SequentialExecutor::Execute', 10, 7),
        session('model_run', 9, 9),
        node('a', 'Gemm', 20, 3),
        session('model_run', 19, 9),
      ]),
    );
    expect(runs.map((run) => run.map(({ name }) => name))).toEqual([['a', 'b'], ['a']]);
    expect(runs[0]![0]).toEqual({
      name: 'a',
      op: 'Gemm',
      durationMs: 0.004,
      inputs: [{ dtype: 'float', shape: [2, 3] }],
      outputs: [{ dtype: 'float', shape: [2, 5] }],
    });
  });

  it("counts a loop's body as part of the loop", () => {
    const inside = [node('body', 'Add', 12, 2), node('body', 'Add', 15, 2)];
    const runs = parseTrace(
      JSON.stringify([
        node('before', 'Relu', 5, 2),
        ...inside,
        node('loop', 'Loop', 10, 9),
        session('model_run', 4, 20),
      ]),
    );
    expect(runs.map((run) => run.map(({ name }) => name))).toEqual([['before', 'loop']]);
  });

  it('says what is wrong with something else', () => {
    expect(() => parseTrace('{}')).toThrow('The operator trace is not valid');
    expect(() => parseTrace('[{"cat":"Node"}]')).toThrow('An event of the operator trace is not valid');
  });
});
