import type { AuditEvent, EventType } from "../../src/access/audit-event.ts";
import { approveAction, doneAction, reviewedAction } from "../../src/slack/show/buttons.ts";
import { arns, channel, clusterName } from "../scene.ts";
import { direct, type Viewer } from "./conversation.ts";

export interface TourFacts {
  readonly events: readonly Pick<AuditEvent, "type" | "actor" | "request">[];
  readonly kubectlWorks: boolean;
  readonly answers: readonly string[];
}

export interface TourStep {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** The page writes it into the input line. */
  readonly line?: string;
  readonly isDone: (facts: TourFacts) => boolean;
  /** The step is only to look at: the reader confirms it. */
  readonly isToSee?: boolean;
  /** Selectors of the next control; the first visible one counts. */
  readonly points: (viewer: Viewer) => readonly string[];
}

const whoAmI = "/eks-access whoami staging";

/** The tour of the product. The ledger, the cluster and Slack decide when a step is done, not a click on the tour. */
export const tourSteps: readonly TourStep[] = [
  {
    id: "ask",
    title: "Ask for access",
    text: "You are engineer, and kubectl refuses you. Ask for ten minutes of viewer on staging.",
    line: `/eks-access request ${clusterName} ${arns.engineer} viewer for 10m look into the failing rollout`,
    isDone: (facts) => requestOf(facts) !== undefined,
    points: (viewer) => as(viewer, "U0ENGINEER", channel, writing),
  },
  {
    id: "approve",
    title: "Approve it",
    text: "Become approver. The card says who asks for what, and Details has the exact change. Press Approve.",
    isDone: (facts) => has(facts, "request.approved", requestOf(facts)),
    points: (viewer) => as(viewer, "U0APPROVER", channel, pressing(approveAction)),
  },
  {
    id: "works",
    title: "kubectl works",
    text: "The worker added one entry to aws-auth, and asked the cluster whether it works. Look at the engineer’s kubectl.",
    isToSee: true,
    isDone: (facts) => {
      const request = requestOf(facts);
      return has(facts, "lease.active", request) && (facts.kubectlWorks || has(facts, "lease.ended", request));
    },
    points: () => ["#kubectl-U0ENGINEER pre"],
  },
  {
    id: "done",
    title: "Give it back",
    text: "Become engineer and open the messages of eks-access. They have the lines to sign in. Press I’m done.",
    isDone: (facts) => has(facts, "lease.ended", requestOf(facts)),
    points: (viewer) => as(viewer, "U0ENGINEER", direct, pressing(doneAction)),
  },
  {
    id: "gone",
    title: "Nothing is left",
    text: "The entry is gone, all other text of aws-auth is the same byte for byte, and kubectl refuses you again.",
    isToSee: true,
    isDone: ({ kubectlWorks }) => !kubectlWorks,
    points: () => ["#kubectl-U0ENGINEER pre"],
  },
  {
    id: "emergency",
    title: "Take emergency access",
    text: "It is three in the morning, and no approver is awake. Become on-call, and take emergency access.",
    line: `/eks-access break-glass ${clusterName} ${arns.onCall} checkout is down`,
    isDone: (facts) => emergencyOf(facts) !== undefined,
    points: (viewer) => as(viewer, "U0ONCALL", channel, writing),
  },
  {
    id: "review",
    title: "Review the emergency",
    text: "Each emergency needs a review. Become approver, press Mark reviewed, and write what you found.",
    isDone: (facts) => has(facts, "emergency.reviewed", emergencyOf(facts)),
    points: (viewer) => as(viewer, "U0APPROVER", channel, pressing(reviewedAction)),
  },
  {
    id: "whoami",
    title: "Who am I?",
    text: "Become engineer, and ask what stops you. Each step from you to your pods is tested; the first that fails is on top.",
    line: whoAmI,
    isDone: ({ answers }) => answers.some((answer) => answer.includes("first failing step")),
    points: (viewer) => as(viewer, "U0ENGINEER", channel, writing),
  },
];

/** If a request ends before it gives access, the tour's first person asks anew. */
function requestOf({ events }: TourFacts): string | undefined {
  const failed: readonly EventType[] = [
    ...(["request.denied", "request.cancelled", "request.expired", "request.refused", "lease.failed"] as const),
  ];
  const lost = new Set(events.filter(({ type }) => failed.includes(type)).map(({ request }) => request));
  return events.findLast(
    ({ type, actor, request }) => type === "request.created" && actor === "U0ENGINEER" && !lost.has(request),
  )?.request;
}

function emergencyOf({ events }: TourFacts): string | undefined {
  return events.findLast(({ type, actor }) => type === "emergency.taken" && actor === "U0ONCALL")?.request;
}

function has({ events }: TourFacts, wanted: EventType, of: string | undefined): boolean {
  return of !== undefined && events.some(({ type, request }) => type === wanted && request === of);
}

/** Leads to this person and place first. */
function as(viewer: Viewer, user: string, place: string, then: readonly string[]): readonly string[] {
  if (viewer.as.id !== user) return [`#who a[href*="as=${user}&"]`];
  if (viewer.place !== place) return [`#places a[href*="in=${place}&"]`];
  return then;
}

/** An open form or question covers everything: its answer, or without one its end. */
export const inFront: readonly string[] = [
  "dialog.modal[open] footer .primary",
  "dialog.confirm[open] .buttons :not([data-closes])",
  "dialog.modal[open] footer .button",
];

const writing = [".composer:has(#line:not(:placeholder-shown)) .primary", "#tour [data-line]"] as const;

function pressing(action: string): readonly string[] {
  return [`#messages form:has(> [name="action"][value="${action}"]) > button`, `#messages [data-opens$="-${action}"]`];
}

/** The positions of the audit log and Slack at the tour's beginning: earlier events do not count. */
export type TourBegin = { readonly sequence: number; readonly at: number };

/** The sandbox's one tour. It survives a reload of the page. */
export function makeTour() {
  const none = { began: null as TourBegin | null, isOpen: false, seen: [] as readonly string[] };
  let state = none;
  return {
    state: () => state,
    open: (now: TourBegin) => {
      state = { ...state, began: state.began ?? now, isOpen: true };
    },
    leave: () => {
      state = { ...state, isOpen: false };
    },
    finish: () => {
      state = none;
    },
    see: (step: string) => {
      state = { ...state, seen: [...state.seen, step] };
    },
  };
}

export function stepNow(facts: TourFacts, seen: readonly string[]): TourStep | null {
  return tourSteps.find((step) => !(step.isToSee ? seen.includes(step.id) : step.isDone(facts))) ?? null;
}
