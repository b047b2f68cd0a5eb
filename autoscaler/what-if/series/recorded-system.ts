import type { Clock } from '../../../models/base/clock.ts';
import { InflessError } from '../../../models/base/errors.ts';
import { MeteredPlatform } from '../../simulation/meters/metered-platform.ts';
import type { ServingSystem, System } from '../../simulation/systems/serving-system.ts';
import type { RequestResult, SeriesRecorder } from './series-recorder.ts';

/** Sums and differences of virtual times are exact to this. */
const ROUNDING_MS = 1e-6;

/**
 * A policy whose run is written down: it sees the same clock, requests and platform, the recorder everything
 * that happens.
 *
 * @param sloMs of each function
 */
export function recordedSystem(
  policy: System,
  sloMs: ReadonlyMap<string, number>,
  recorderFor: (clock: Clock) => SeriesRecorder,
): System {
  return {
    name: policy.name,
    description: policy.description,
    create(parts): ServingSystem {
      const { clock } = parts;
      const recorder = recorderFor(clock);
      const system = policy.create({ ...parts, platform: new MeteredPlatform(parts.platform, recorder) });
      return {
        open: () => system.open(),
        submit(name, request) {
          const arrivalMs = clock.nowMs();
          const ended = recorder.arrived(name);
          const answer = system.submit(name, request);
          answer.then(
            () => {
              const latencyMs = clock.nowMs() - arrivalMs;
              ended(latencyMs <= sloMs.get(name)! + ROUNDING_MS ? 'inTime' : 'late');
            },
            (error: unknown) => ended(outcomeOf(error)),
          );
          return answer;
        },
      };
    },
  };
}

/** What the policy refuses or gives up it tells with an error of ours; anything else was lost. */
function outcomeOf(error: unknown): RequestResult {
  return error instanceof InflessError ? 'rejected' : 'failed';
}
