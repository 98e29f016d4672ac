import { type TourFacts, type TourStep, tourSteps } from "./steps.ts";

/** The one tour of a sandbox. It is kept here, so that a page that is loaded again goes on with it. */
export interface Tour {
  state: () => TourState;
  /** Goes on where it was left, or begins. */
  open: (now: TourBegin) => void;
  leave: () => void;
  finish: () => void;
  /** The reader has seen this step. */
  see: (step: string) => void;
}

/** Where the audit log and Slack were when the tour began: what was before counts for nothing. */
export interface TourBegin {
  readonly sequence: number;
  /** Milliseconds since 1970. */
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

/** Which step is next, by what happened; null: all of them are done. */
export function stepNow(facts: TourFacts, seen: readonly string[]): TourStep | null {
  return tourSteps.find((step) => !(step.isToSee ? seen.includes(step.id) : step.isDone(facts))) ?? null;
}
