import { openQuotas } from '../../../profiler/quota/quota.ts';

/** Quotas of sweeps whose process is gone. */
export async function ownQuotas(): Promise<string[]> {
  const names = await (await openQuotas()).list();
  return names.filter((name) => {
    const pid = /^profile-(\d+)-/.exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
