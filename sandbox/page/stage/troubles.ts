import type { TroubleState } from "../cluster/panels.ts";

/** One trouble: its present state, its start and its end. */
export interface Trouble {
  state: () => TroubleState;
  start: () => Promise<void>;
  stop: () => Promise<void>;
}

type Words = Pick<TroubleState, "id" | "title" | "explains" | "does" | "undoes">;

/** Happens once per start. `blocked`: why it can't start now. */
export function oneTimeTrouble(
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

export function lastingTrouble(
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

/** Waits for a call and hits it. `plan` schedules each hit and returns its cancellation; the last hit calls `isOver`. */
export function armedTrouble(
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
