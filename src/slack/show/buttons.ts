import type { Button, ConfirmationDialog, KnownBlock } from "@slack/types";
import { z } from "zod";
import { isPermanent } from "../../access/lease/lease-record.ts";
import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import type { Act } from "../../access/policy/permissions.ts";
import type { AccessRequest } from "../../access/record.ts";
import { givesFullControl, isClosed, isExtendable, isRescue } from "../../access/request.ts";
import { parseJson } from "../../access/seal.ts";
import { actions, cut, plainText } from "./mrkdwn.ts";

/** Slack's own look: one primary button in a place at the most. */
type Style = "primary" | "danger";

export function button(action: string, label: string, value: string, style?: Style): Button {
  return { type: "button", action_id: action, text: plainText(label), value, ...(style && { style }) };
}

/** A request, a migration, or only its id. */
type About = Pick<AccessRequest, "id"> & Partial<Pick<AccessRequest, "level" | "cluster">>;

/** A place can have several with one label: a screen reader says what this one is about, after its visible label. */
export function buttonOf(
  action: string,
  label: string,
  { id, level, cluster }: About,
  style?: Style,
  value = id,
): Button {
  const about = [level && cluster ? `${level} on ${cluster}` : (cluster ?? []), id].flat().join(", ");
  // Slack's limit.
  return { ...button(action, label, value, style), accessibility_label: cut(`${label}: ${about}`, 75) };
}

/** Slack asks for a confirmation before it sends the click. `sure`: the title, the effect and both buttons. */
export function confirmed(
  clicked: Button,
  sure: readonly [title: string, what: string, yes: string, no: string],
): Button {
  const [title, what, yes, no] = sure;
  const confirm: ConfirmationDialog = {
    title: plainText(title),
    text: plainText(what),
    confirm: plainText(yes),
    deny: plainText(no),
    ...(clicked.style && { style: clicked.style }),
  };
  return { ...clicked, confirm };
}

/** Bound to the visible change. Full control and permanent access need a confirmation. */
export function approveButton(request: AccessRequest): Button {
  const approve = buttonOf(approveAction, "Approve", request, "primary", decideValue(request));
  const { level, cluster } = request;
  const isFull = givesFullControl(request);
  const what = isFull
    ? `This gives full control of ${cluster}.`
    : `This gives ${level} on ${cluster} without an end date.`;
  if (!isFull && !isPermanent(request.durationSeconds)) return approve;
  return confirmed(approve, ["Approve this access?", what, "Approve", "Not yet"]);
}

export const denyButton = (request: AccessRequest): Button =>
  buttonOf(denyAction, "Deny", request, "danger", decideValue(request));

const decideForm = z.strictObject({ request: z.string(), digest: z.string() });

/** Binds a decision to the visible change or plan: the value of Approve and Deny, and the memory of Details. */
export function decideValue(record: LedgerRecord): string {
  return JSON.stringify({ request: record.id, digest: digestShown(record) });
}

/** Of the change or the plan; empty: the worker has not made it yet. */
export function digestShown(record: LedgerRecord): string {
  return (isMigration(record) ? record.plan : record.preview)?.digest ?? "";
}

/** Null: it is not ours. */
export function readDecideValue(value: string): z.infer<typeof decideForm> | null {
  return decideForm.safeParse(parseJson(value)).data ?? null;
}

export const detailsButton = (request: About, label = "Details"): Button => buttonOf(detailsAction, label, request);
export const extendButton = (request: About): Button => buttonOf(extendAction, "Extend", request);
export const extendButtons = (request: AccessRequest): Button[] =>
  isExtendable(request) ? [extendButton(request)] : [];
/** For the holder, and the person who asked for them: `user` is one of these. */
export function doneButton(request: AccessRequest, user: string): Button {
  const { level, cluster, requester } = request;
  return confirmed(buttonOf(doneAction, user === requester ? "I'm done" : "End their access", request, "danger"), [
    "End this access?",
    `This ends ${level} on ${cluster} now.`,
    "End it",
    "Keep it",
  ]);
}
/** Of active access, for these two. Only the holder can ask for more time. */
export const ownLeaseButtons = (request: AccessRequest, user: string): Button[] => [
  ...(user === request.requester ? extendButtons(request) : []),
  doneButton(request, user),
];

export const nudgeButton = (request: About): Button => buttonOf(nudgeAction, "Nudge", request);

export const revokeButton = (request: About): Button => buttonOf(revokeAction, "Revoke", request, "danger");

export const reviewedButton = (request: About): Button => buttonOf(reviewedAction, "Mark reviewed", request, "primary");

export const askAgainButton = (request: About): Button => buttonOf(askAgainAction, "Request again", request);
export const askAgainButtons = (request: AccessRequest): Button[] =>
  isClosed(request) && !isRescue(request) ? [askAgainButton(request)] : [];

export const cancelButton = (request: AccessRequest): Button =>
  confirmed(buttonOf(cancelAction, "Cancel", request, "danger"), [
    "Cancel the request?",
    `This cancels your request for ${request.level} on ${request.cluster}.`,
    "Cancel it",
    "Keep it",
  ]);

export const requestButton = (style?: Style): Button => button(requestAction, "Ask for access", "request", style);

/** @param typed the cluster and the reason, which the form begins with */
export const breakGlassButton = (typed = "break-glass"): Button =>
  button(breakGlassAction, "Emergency access", typed.slice(0, maxValue), "danger");

export const helpButton = (): Button => button(helpAction, "All commands", "all");

/** Slack's limit for the value of a button. */
export const maxValue = 2000;

/** @param line of a command, without `/eks-access` */
export const runButton = (line: string, label = `Run ${line.split(" ", 1)[0]}`): Button =>
  buttonOf(runAction, label, { id: line }, undefined, line);

/** The same in a block; none for a line that can't run as it is: with a placeholder, a person or a sign that Slack escapes. */
export function runBlocks(block: string, typed: string, name: string): KnownBlock[] {
  const line = typed.replace("/eks-access ", "");
  return /[<>&]|(^|\s)@/.test(line) || line.length > maxValue ? [] : [actions(block, [runButton(line, `Run ${name}`)])];
}

/** The commands in a text that only show something and run as they are, and the form for a cluster that it says to request. */
export function runsIn(text: string): KnownBlock[] {
  const found = text.matchAll(/`\/eks-access ((?:check|creator|list|status|whoami|why)(?: [^`&<>…]+)?)`/g);
  const lines = new Set([...found].map(([, line = ""]) => line).filter((line) => !line.includes("CLUSTER")));
  const [, cluster] = /`\/eks-access request ([a-z0-9-]+)/.exec(text) ?? [];
  const ask = cluster ? [runButton(`request ${cluster}`, "Ask for access")] : [];
  const buttons = [...ask, ...[...lines].slice(0, 3).map((line) => runButton(line))];
  return buttons.map((each, index) => actions(`run-${index}`, [each]));
}

export function listButton(action: keyof typeof listActions, label: string, view: ListView, offset: number): Button {
  return button(listActions[action], label, JSON.stringify({ view, offset }));
}

/** A row shows no change, so approvers get a button that opens it. */
export function rowButtons(request: AccessRequest, acts: readonly Act[]): Button[] {
  const decides = acts.includes("approve") || acts.includes("deny");
  return [
    detailsButton(request, decides ? "Review" : "Details"),
    ...(acts.includes("cancel") ? [cancelButton(request)] : []),
    ...(acts.includes("extend") ? [extendButton(request)] : []),
    ...(acts.includes("revoke") ? [revokeButton(request)] : []),
  ];
}

export type ListView =
  | { readonly kind: "mine" | "pending" | "active" }
  | { readonly kind: "cluster"; readonly cluster: string };

/** Value: `{"request": …, "digest": …}`, which binds the click to the change or plan that the message shows. */
export const approveAction = "approve";
/** Opens a form for the reason. The value of `approve`. */
export const denyAction = "deny";
/** Value: the id of a request or a migration. */
export const detailsAction = "details";

// The value of these is the request's id.
export const revokeAction = "revoke";
export const doneAction = "done";
export const extendAction = "extend";
export const reviewedAction = "reviewed";
export const cancelAction = "cancel";
export const nudgeAction = "nudge";
/** The request to repeat. */
export const askAgainAction = "ask-again";

export const helpAction = "help";
/** Runs a command. Value: its line, without `/eks-access`. */
export const runAction = "run";
export const breakGlassAction = "break-glass";
export const requestAction = "request";
/** Show a page of a list. Each has an id, because a message can have an id once. Value: the list, and the rows before the page. */
export const listActions = {
  previous: "list-previous",
  next: "list-next",
  mine: "list-mine",
  pending: "list-pending",
  active: "list-active",
} as const;

/** Asks for the migration of a cluster to access entries. Value: `{"cluster": …, "givenArns": […]}`. */
export const askMigrationAction = "ask-migration";
// The value of these is the migration's id.
export const stopMigrationAction = "stop-migration";
export const retryMigrationAction = "retry-migration";

/** Value: `{"user": …, "id": …}` of the proposal, so that a click never decides about another one. */
export const confirmLinkAction = "confirm-link";
/** The value of `confirm-link`. */
export const refuseLinkAction = "refuse-link";
