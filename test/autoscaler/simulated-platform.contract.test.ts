import { describePlatform } from './platform-contract.ts';
import { SimulatedHarness } from './simulated-harness.ts';

describePlatform('simulated', async () => new SimulatedHarness());
