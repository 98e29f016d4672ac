import type { TroubleState } from "../cluster/panels.ts";

/** One thing that can go wrong, as it is now and with what it takes to begin and to end it. */
export interface Trouble {
  state: () => TroubleState;
  start: () => Promise<void>;
  /** Takes it back. */
  stop: () => Promise<void>;
}

type Words = Pick<TroubleState, "id" | "title" | "explains" | "does" | "undoes">;

/** Happens at once, and is over. `blocked` says why it can't be done now. */
export function deed(
  words: Words,
  act: () => Promise<void>,
  blocked: () => string | undefined = () => undefined,
): Trouble {
  let struck = 0;
  return {
    state: () => ({ ...words, state: "off", struck, blocked: blocked() }),
    start: async () => {
      await act();
      struck += 1;
    },
    stop: async () => {},
  };
}

/** Lasts until it is taken back. */
export function lasting(
  words: Words,
  { begin, end, isOn }: { begin: () => Promise<void>; end: () => Promise<void>; isOn?: () => boolean },
  blocked: () => string | undefined = () => undefined,
): Trouble {
  let on = false;
  let struck = 0;
  const inForce = () => isOn?.() ?? on;
  return {
    state: () => ({ ...words, state: inForce() ? "on" : "off", struck, blocked: blocked() }),
    start: async () => {
      if (inForce()) return;
      await begin();
      on = true;
      struck += 1;
    },
    stop: async () => {
      if (!inForce()) return;
      await end();
      on = false;
    },
  };
}

/** Waits for a call and strikes it. `plan` schedules each strike and returns its cancellation; `isOver` is called at the last one. */
export function armed(
  words: Words,
  plan: (struck: (isOver: boolean) => void) => { cancel: () => void },
  changed: () => void,
): Trouble {
  let waiting: { cancel: () => void } | undefined;
  let count = 0;
  return {
    state: () => ({ ...words, state: waiting ? "armed" : "off", struck: count, blocked: undefined }),
    start: async () => {
      waiting ??= plan((isOver) => {
        count += 1;
        if (isOver) waiting = undefined;
        changed();
      });
    },
    stop: async () => {
      waiting?.cancel();
      waiting = undefined;
    },
  };
}
