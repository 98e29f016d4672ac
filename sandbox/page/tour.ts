import { type TourFacts, type TourStep, tourSteps } from "./tour-steps.ts";

/** The sandbox's one tour. It survives a reload of the page. */
export interface Tour {
  state: () => TourState;
  /** Continues it, or begins. */
  open: (now: TourBegin) => void;
  leave: () => void;
  finish: () => void;
  see: (step: string) => void;
}

/** The positions of the audit log and Slack at the tour's beginning: earlier events do not count. */
export interface TourBegin {
  readonly sequence: number;
  readonly at: number;
}

export interface TourState {
  readonly began: TourBegin | null;
  readonly isOpen: boolean;
  readonly seen: readonly string[];
}

export function makeTour(): Tour {
  const none: TourState = { began: null, isOpen: false, seen: [] };
  let state = none;
  return {
    state: () => state,
    open: (now) => {
      state = { ...state, began: state.began ?? now, isOpen: true };
    },
    leave: () => {
      state = { ...state, isOpen: false };
    },
    finish: () => {
      state = none;
    },
    see: (step) => {
      state = { ...state, seen: [...state.seen, step] };
    },
  };
}

export function stepNow(facts: TourFacts, seen: readonly string[]): TourStep | null {
  return tourSteps.find((step) => !(step.isToSee ? seen.includes(step.id) : step.isDone(facts))) ?? null;
}
