export interface Ticking {
  /** Resolves when what is going on has ended. */
  readonly stop: () => Promise<void>;
}

/**
 * Repeats something, now and then every so often, one at a time. The clock is the process's own, so that a Redis that lost everything is
 * swept as soon as it is back.
 */
export function startTicking(everyMs: number, act: (everyMs: number) => Promise<void>): Ticking {
  let acting: Promise<void> = Promise.resolve();
  let isIdle = true;
  const tick = () => {
    if (!isIdle) return;
    isIdle = false;
    acting = act(everyMs).finally(() => {
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
