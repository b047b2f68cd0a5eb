import { describePlatform } from '../platform-contract.ts';
import { LocalHarness } from './local-harness.ts';

describePlatform('local', () => LocalHarness.open());
