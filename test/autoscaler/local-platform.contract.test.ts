import { LocalHarness } from './local-harness.ts';
import { describePlatform } from './platform-contract.ts';

describePlatform('local', () => LocalHarness.open());
