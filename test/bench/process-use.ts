import { readFile } from "node:fs/promises";

/** What a process has used so far. */
export interface ProcessUse {
  /** Resident now, in MB. */
  readonly residentMb: number;
  /** The most that ever was, in MB. */
  readonly peakMb: number;
  /** User and system time, in seconds. */
  readonly cpuSeconds: number;
}

/** Linux counts processor time in hundredths of a second, whatever the kernel's own tick is (man 5 proc, USER_HZ). */
const ticksPerSecond = 100;

/** Reads /proc. NaN where there is none, as on macOS: the figures are then left empty, not made up. */
export async function useOf(pid: number): Promise<ProcessUse> {
  try {
    const [status, stat] = await Promise.all([
      readFile(`/proc/${pid}/status`, "utf8"),
      readFile(`/proc/${pid}/stat`, "utf8"),
    ]);
    const kilobytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
    // The second field is the program's name in brackets, and may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      residentMb: kilobytes("VmRSS") / 1024,
      peakMb: kilobytes("VmHWM") / 1024,
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    };
  } catch {
    return { residentMb: Number.NaN, peakMb: Number.NaN, cpuSeconds: Number.NaN };
  }
}
