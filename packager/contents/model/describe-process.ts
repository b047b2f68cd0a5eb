/** Started by describe-model.ts with a model file and a name: opens the model and answers what it is. */
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { loadSample } from '../../../models/sample/read-sample.ts';
import { answerParent } from '../own-process.ts';
import type { DescribeQuestion } from './describe-model.ts';

const [, , path, name, question] = process.argv;
await answerParent(async () => {
  const { shapes, sample, batchAxes } = JSON.parse(question!) as DescribeQuestion;
  const like = { shapes, batchAxes, sample: sample === undefined ? undefined : await loadSample(sample) };
  return (await resolveModel(path!, { name: name!, like })).manifest;
});
