/** Started by describe-model.ts with a model file and a name: opens the model and answers what it is. */
import { resolveModel } from '../../../models/resolve/resolve-model.ts';
import { answerParent } from '../own-process.ts';

const [, , path, name] = process.argv;
await answerParent(async () => (await resolveModel(path!, { name: name! })).manifest);
