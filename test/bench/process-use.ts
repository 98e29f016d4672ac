import { readdir, readFile } from "node:fs/promises";

/** What a process has used so far. */
export interface ProcessUse {
  /** Resident now, in MB. */
  readonly residentMb: number;
  /** The most that ever was, in MB. */
  readonly peakMb: number;
  /** User and system time of its threads, in seconds. */
  readonly cpuSeconds: number;
}

/** Reads /proc. NaN where there is none, as on macOS: the figures are then left empty, not made up. */
export async function useOf(pid: number): Promise<ProcessUse> {
  try {
    const [status, threads] = await Promise.all([
      readFile(`/proc/${pid}/status`, "utf8"),
      readdir(`/proc/${pid}/task`),
    ]);
    // Nanoseconds on a processor (kernel docs, sched-stats): /proc/<pid>/stat counts in hundredths of a second.
    const nanoseconds = threads.map(async (thread) => {
      const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0");
      return Number(text.split(" ")[0]);
    });
    const kilobytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
    return {
      residentMb: kilobytes("VmRSS") / 1024,
      peakMb: kilobytes("VmHWM") / 1024,
      cpuSeconds: (await Promise.all(nanoseconds)).reduce((sum, each) => sum + each, 0) / 1e9,
    };
  } catch {
    return { residentMb: Number.NaN, peakMb: Number.NaN, cpuSeconds: Number.NaN };
  }
}
