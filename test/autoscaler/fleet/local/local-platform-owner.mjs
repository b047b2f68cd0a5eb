// A program that owns a local platform, to be killed in the middle of its work: what an autoscaler that
// crashes leaves behind can only be seen from another process. Prints `ready` when its one instance is.
import { LocalPlatform } from '../../../../dist/autoscaler/fleet/local/local-platform.js';

const [stateDirectory, startRequest] = process.argv.slice(2);
const platform = new LocalPlatform({ stateDirectory });
await platform.open((event) => {
  if (event.type === 'changed' && event.instance.phase === 'ready') console.log('ready');
});
await platform.start(JSON.parse(startRequest));
console.log('started');
