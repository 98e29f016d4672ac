/** Who wants to know that something changed. */
export interface Changes {
  announce: () => void;
  /** Calls `listener` after each change, until the returned function is called. */
  onChange: (listener: () => void) => () => void;
}

export function makeChanges(): Changes {
  const listeners = new Set<() => void>();
  return {
    announce: () => {
      for (const listener of [...listeners]) listener();
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/**
 * Resolves when `find` gives something, looking again at each change and at the end of the time; rejects then with what
 * `describe` tells of the state. An error that `find` throws rejects at once.
 */
export function untilFound<T>(
  changes: Changes,
  find: () => T | undefined,
  options: { withinMs: number; describe: () => string },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => {
      clearTimeout(timer);
      stop();
      act();
    };
    const look = (last: boolean) => {
      try {
        const found = find();
        if (found !== undefined) finish(() => resolve(found));
        else if (last) finish(() => reject(new Error(`nothing came in ${options.withinMs} ms. ${options.describe()}`)));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const stop = changes.onChange(() => look(false));
    const timer = setTimeout(() => look(true), options.withinMs);
    look(false);
  });
}
