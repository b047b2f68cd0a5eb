import { jsonMessage, type Protocol } from './protocol.ts';
import { tensorflowServing } from './tensorflow-serving.ts';

/**
 * The raw call of OpenFaaS: a POST to the function itself, without any path. What it carries is TensorFlow
 * Serving's predict body, as the callers of functions that serve models send it.
 */
export const openFaas: Protocol = {
  ...tensorflowServing,
  name: 'openfaas',
  root: '/',
  routes: [
    { method: 'GET', path: '/', call: 'live' }, // where KServe's v1 client asks whether the server lives
    { method: 'POST', path: '/', call: 'predict' },
  ],
  paths: { predict: '/', metadata: tensorflowServing.paths.metadata },
  descriptions: { live: () => jsonMessage({ status: 'alive' }) },
};
