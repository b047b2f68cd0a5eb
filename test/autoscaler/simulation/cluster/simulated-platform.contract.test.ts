import { describePlatform } from '../../fleet/platform-contract.ts';
import { SimulatedHarness } from './simulated-harness.ts';

describePlatform('simulated', async () => new SimulatedHarness());
