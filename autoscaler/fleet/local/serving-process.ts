import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import type { Cancel, Clock } from '../../../models/base/clock.ts';
import { InflessError, messageOf } from '../../../models/base/errors.ts';
import { programFile } from '../../../models/base/package.ts';
import { HELD_VARIABLE } from '../../../packager/server/instance-protocol.ts';
import { identify, isAlive, type ProcessIdentity, signalNow, signalProcess } from './process-identity.ts';

/** A serving process, whether started by us or found running. */
export interface ServingProcess {
  readonly identity: ProcessIdentity;
  /** Resolves when it listens; never, if it ends before. */
  readonly port: Promise<number>;
  /** Resolves, when it has ended, with how. */
  readonly ended: Promise<string>;
  signal(name: NodeJS.Signals): Promise<void>;
  /** Stops watching it, and lets it run. */
  release(): void;
}

/** One that has just been started. */
export interface StartedProcess extends ServingProcess {
  /** Whoever comes after us would find it: it may live without us from now on. */
  keep(): void;
}

const listeningSchema = z.object({ type: z.literal('listening'), port: z.number().int().positive() });

/**
 * Starts a serving process that outlives us once it is kept: a process group of its own, so that Ctrl-C in
 * our terminal does not reach it, output to a file, and nothing of it that keeps our event loop alive.
 */
export async function startServingProcess(
  environment: NodeJS.ProcessEnv,
  log: FileHandle,
): Promise<StartedProcess> {
  const child = spawn(process.execPath, [programFile('packager/server/bin')], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
    env: { ...environment, [HELD_VARIABLE]: '1' },
  });
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `it exited with code ${code}` : `it was killed by ${signal}`);
    });
  });
  const { port, keep } = openChannel(child);
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new InflessError('PLATFORM_FAILED', `No serving process can be started (${messageOf(error)})`, {
      remedy: 'Look whether the machine has run out of processes, files or memory.',
      cause: error,
    });
  }
  child.on('error', () => {}); // of a late message or signal: its exit tells all there is to know
  child.unref();
  child.channel?.unref();
  return {
    identity: await identify(child.pid!),
    port,
    ended,
    keep,
    // Safe without a look at its start time: the pid is ours until we have seen the exit.
    signal: async (name) => {
      if (child.exitCode === null && child.signalCode === null) signalNow(child.pid!, name);
    },
    release: () => {
      child.removeAllListeners('exit');
      child.removeAllListeners('message');
      if (child.connected) child.disconnect();
    },
  };
}

/**
 * The channel is for two messages, one each way: an instance must not depend on the autoscaler that started
 * it once it is kept.
 */
function openChannel(child: ChildProcess): { readonly port: Promise<number>; keep(): void } {
  let messagesToCome = 2;
  const closeAfterBoth = (): void => {
    messagesToCome -= 1;
    if (messagesToCome === 0 && child.connected) child.disconnect();
  };
  const port = new Promise<number>((resolve) => {
    child.on('message', (message) => {
      const listening = listeningSchema.safeParse(message);
      if (!listening.success) return;
      resolve(listening.data.port);
      closeAfterBoth();
    });
  });
  const keep = (): void => {
    if (child.connected) child.send({ type: 'kept' }, closeAfterBoth);
  };
  return { port, keep };
}

const ADOPTED_LOOK_MS = 200;

/** Watches a process that is not our child: the kernel tells its end to no one but its parent, so we look. */
export function watchServingProcess(identity: ProcessIdentity, port: number, clock: Clock): ServingProcess {
  let cancel: Cancel = () => {};
  let released = false;
  const ended = new Promise<string>((resolve) => {
    const look = async (): Promise<void> => {
      if (released) return;
      if (await isAlive(identity).catch(() => true)) cancel = clock.at(clock.nowMs() + ADOPTED_LOOK_MS, look);
      else resolve('it ended');
    };
    void look();
  });
  return {
    identity,
    port: Promise.resolve(port),
    ended,
    signal: (name) => signalProcess(identity, name),
    release: () => {
      released = true;
      cancel();
    },
  };
}
