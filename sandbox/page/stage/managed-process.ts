import type { ProductProcess } from "../../product-process.ts";
import type { ProcessState } from "../cluster/troubles.ts";

/** One of the product's processes, which can be killed and started again. */
export interface ManagedProcess {
  state: () => ProcessState;
  /** Nothing where it runs already. */
  start: () => Promise<void>;
  /** SIGKILL: it has no time to tidy up. */
  kill: () => Promise<void>;
  /** SIGTERM, and waits. */
  stop: () => Promise<void>;
  /** As that of the process that runs now. */
  logged: (text: string) => Promise<void>;
}

export function manageProcess(
  name: string,
  launch: () => Promise<ProductProcess>,
  changed: () => void,
): ManagedProcess {
  let running: ProductProcess | undefined;
  let starting: Promise<void> | undefined;
  let starts = 0;
  const begin = async () => {
    const child = await launch();
    running = child;
    starts += 1;
    void child.exited.then(() => {
      if (running === child) running = undefined;
      changed();
    });
  };
  const start = async () => {
    if (running) return;
    starting ??= begin().finally(() => {
      starting = undefined;
      changed();
    });
    changed();
    await starting;
  };
  return {
    state: () => ({
      name,
      pid: running?.pid ?? 0,
      starts,
      state: running ? "running" : starting ? "starting" : "gone",
    }),
    start,
    kill: async () => void (await running?.kill()),
    stop: async () => {
      await starting?.catch(() => {});
      await running?.stop();
    },
    logged: async (text) => running?.logged(text),
  };
}
