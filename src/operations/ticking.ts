export interface Ticking {
  /** Resolves after the current round. */
  readonly stop: () => Promise<void>;
}

/** Repeats `act` one at a time, now and then every so often. The process's own clock sweeps a Redis that lost everything, as soon as it is back. */
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
