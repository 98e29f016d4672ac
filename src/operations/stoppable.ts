/** Work that another part can end. */
export interface Stoppable {
  /** Waits for the running work. At `deadline` it hands back or leaves the rest, and resolves with it, in words for the log. */
  stop: (deadline: AbortSignal) => Promise<readonly string[]>;
}

/** Waits for the running work, until the deadline. */
export async function unfinishedAt(
  work: Promise<unknown>,
  name: string,
  deadline: AbortSignal,
): Promise<readonly string[]> {
  return (await Promise.race([work, aborted(deadline)])) === "aborted" ? [name] : [];
}

/** A part of a process that repeats something. @param name of its last round, in words for the log */
export function stoppable({ stop }: { readonly stop: () => Promise<unknown> }, name: string): Stoppable {
  return { stop: (deadline) => unfinishedAt(stop(), name, deadline) };
}

export function aborted(signal: AbortSignal): Promise<"aborted"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("aborted");
    else signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
}

export type Ticking = { readonly stop: () => Promise<void> };

/** Repeats `act` one at a time, now and then every so often. The process's own clock sweeps a Redis that lost everything, as soon as it is back. */
export function startTicking(everyMs: number, act: () => Promise<void>): Ticking {
  let acting: Promise<void> = Promise.resolve();
  let isIdle = true;
  const tick = () => {
    if (!isIdle) return;
    isIdle = false;
    acting = act().finally(() => {
      isIdle = true;
    });
  };
  tick();
  const timer = setInterval(tick, everyMs);
  return {
    stop: () => {
      clearInterval(timer);
      return acting;
    },
  };
}
