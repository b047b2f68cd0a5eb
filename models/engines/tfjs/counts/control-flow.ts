import { asValue, decidedBy, either, repeat, ruledBy } from '../../batch-axes/counts/control.ts';
import { anyValue, type Operands, plain } from '../../batch-axes/counts/facts.ts';
import type { Rules, TfNode } from './tf-node.ts';

/** Derives the results of a function from its arguments. */
export type Callee = (inputs: Operands) => Operands;

/** Derives the outputs of a node that calls functions. @param calleeOf the function named by an attribute */
type Control = (node: TfNode, calleeOf: (attribute: string) => Callee) => Operands;

function branches(node: TfNode, calleeOf: (attribute: string) => Callee): Operands {
  const [condition, ...given] = node.operands;
  const whenTrue = calleeOf('then_branch')(given);
  const whenFalse = calleeOf('else_branch')(given);
  const decided = decidedBy(node.json.op, [condition]);
  return whenTrue.map((each, index) => {
    const both = either(each, whenFalse[index]);
    return both && ruledBy(decided, anyValue([condition]) ? asValue(both) : both);
  });
}

function loop(node: TfNode, calleeOf: (attribute: string) => Callee): Operands {
  const body = calleeOf('body');
  const { carried } = repeat(node.operands, (state) => {
    const after = body(state);
    return { state: after, results: after };
  });
  const goesOn = calleeOf('cond')(carried);
  const isValue = anyValue(goesOn);
  const decided = decidedBy(node.json.op, goesOn);
  return carried.map((each) => each && ruledBy(decided, isValue ? asValue(each) : each));
}

export const CONTROL_FLOW: ReadonlyMap<string, Control> = new Map([
  ['If', branches],
  ['StatelessIf', branches],
  ['While', loop],
  ['StatelessWhile', loop],
]);

/** Control flow of older graphs, in which a loop is a cycle through a merge. */
export const FRAMES: Rules = {
  Merge: ({ given: [first, ...others] }) => [
    others.reduce((all, each) => either(all, each)!, first!),
    plain(0, true),
  ],
  Switch({ json, operands: [x, condition] }) {
    const decided = decidedBy(json.op, [condition]);
    const passed = x && ruledBy(decided, anyValue([condition]) ? asValue(x) : x);
    return [passed, passed];
  },
  Enter: ({ operands: [x] }) => [x],
  Exit: ({ operands: [x] }) => [x],
  NextIteration: ({ operands: [x] }) => [x],
  LoopCond: ({ operands: [x] }) => [x],
};
