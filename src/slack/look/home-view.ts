import type { HomeView, KnownBlock } from "@slack/types";
import { isApprovable } from "../../access/decide.ts";
import { isPermanent } from "../../access/lease/lease-record.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/record.ts";
import { isClosed } from "../../access/request.ts";
import { type MigrationRow, migrationRowBlocks } from "../migrate/migration-buttons.ts";
import { titleWith } from "../migrate/migration-words.ts";
import {
  askAgainButtons,
  breakGlassButton,
  cancelButton,
  detailsButton,
  listButton,
  nudgeButton,
  ownLeaseButtons,
  requestButton,
  reviewedButton,
} from "../show/buttons.ts";
import type { Message } from "../show/message.ts";
import { actions, code, codeList, mention, plainLine, plainText, section, time, timeLeft } from "../show/mrkdwn.ts";
import {
  admitsText,
  durationText,
  emergencyTitle,
  extendsText,
  forText,
  placeText,
  removedClause,
  rowState,
} from "../show/words.ts";

export interface HomeList {
  readonly requests: readonly AccessRequest[];
  readonly total: number;
}

export interface HomeContent {
  readonly user: string;
  readonly identities: readonly string[];
  /** Whether a worker can find one without a link. */
  readonly looksUp: boolean;
  readonly toDecide: HomeList;
  readonly migrationsToDecide: readonly MigrationRow[];
  readonly toReview: HomeList;
  readonly access: HomeList;
  readonly requests: HomeList;
  readonly recent: HomeList;
  readonly decides: boolean;
  readonly emergency: boolean;
  readonly migrations: readonly MigrationRow[];
  /** Undefined: it is not in eks-access.yml. Without it, few buttons work. */
  readonly clusterOf: (request: AccessRequest) => Cluster | undefined;
  /** Whether the policy lets them ask for it again. */
  readonly isRepeatable: (request: AccessRequest) => boolean;
}

export interface Home extends HomeView {
  blocks: KnownBlock[];
}

/** A row takes two blocks of at most 100. */
export const maxRows = 8;

/** A person's App Home tab. A pure function of the ledger. */
export function homeView(content: HomeContent): Home {
  const { user, identities, looksUp, toDecide, migrationsToDecide, toReview, access, requests, migrations } = content;
  const open = migrations.map(({ migration }) => migration);
  const ownRow = (place: string) => (request: AccessRequest) => rowOf(request, place, content);
  // Another person's that they asked for can be active.
  const askedRow = (request: AccessRequest) =>
    request.lease && !isClosed(request) ? accessRow(request, "request", content) : ownRow("request")(request);
  return {
    type: "home",
    blocks: [
      { type: "header", text: plainText("Access to EKS clusters") },
      section(identityWords(user, identities, looksUp)),
      actions("start", [requestButton("primary"), ...(content.emergency ? [breakGlassButton()] : [])]),
      ...(content.decides || toDecide.total + migrationsToDecide.length > 0
        ? part("Waiting for your decision", "decide", toDecide, decisionRow, migrationsToDecide)
        : []),
      ...part("Waiting for your review", "review", toReview, reviewRow),
      ...part("Your access", "access", access, (request) => accessRow(request, "access", content)),
      ...part(titleWith("Your requests", open), "requests", requests, askedRow, migrations),
      ...part("Recent", "recent", content.recent, ownRow("recent")),
    ],
  };
}

/** Letters of the identities, so that what waits for the person is on the first screen of a phone. `whoami` lists all. */
const longestIdentities = 160;

function identityWords(user: string, identities: readonly string[], looksUp: boolean): string {
  if (identities.length === 0) {
    return looksUp
      ? `${code("/eks-access whoami <cluster>")} finds yours.`
      : `No linked AWS identity. Run ${code("/eks-access link <arn>")}.`;
  }
  const what = identities.length === 1 ? "your AWS identity is" : "your AWS identities are";
  return `${mention(user)}, ${what} ${codeList(identities, longestIdentities)}.`;
}

type Row = (request: AccessRequest) => KnownBlock[];

const lists = { decide: "pending", review: "active", access: "active", requests: "mine", recent: "mine" } as const;

/** Migrations come first: each concerns everyone in a cluster. */
function part(
  title: string,
  name: keyof typeof lists,
  { requests, total: ofRequests }: HomeList,
  row: Row,
  migrations: readonly MigrationRow[] = [],
): KnownBlock[] {
  const total = migrations.length + ofRequests;
  if (total === 0 && name === "review") return [];
  const rows = [...migrations.map((migration) => migrationRowBlocks(migration, name)), ...requests.map(row)];
  const shown = rows.slice(0, maxRows);
  const left = total - shown.length;
  const kind = lists[name];
  const more = listButton(kind, `${left} more`, { kind }, 0);
  return [
    { type: "divider" },
    section(`*${title}*${total === 0 ? ": none" : ` (${total})`}`),
    ...shown.flat(),
    ...(left > 0 ? [actions(`more-${name}`, [more])] : []),
  ];
}

function subjectOf(request: AccessRequest): string {
  const { level, cluster, id } = request;
  return `*${code(level)} on ${code(cluster)}${placeText(request)}* (${code(id)}${extendsText(request)})`;
}

function ownSubject(request: AccessRequest): string {
  return `${subjectOf(request)}${request.askedBy === null ? "" : ` ${forText(request)}`}`;
}

function decisionRow(request: AccessRequest): KnownBlock[] {
  const { id, reason, expiresAt } = request;
  const who = `${subjectOf(request)} ${forText(request)}, ${durationText(request)}. Expires ${time(expiresAt)}`;
  return [
    section(`${who}\n${admitsText(request)}\n${rowState(request)}\n>${plainLine(reason, 250)}`),
    // A row shows no change, so it has no decision.
    actions(`decide-${id}`, [detailsButton(request, "Review")]),
  ];
}

function reviewRow(request: AccessRequest): KnownBlock[] {
  const { id, reason } = request;
  return [
    section(
      `${emergencyTitle(request)} (${code(id)})\n${admitsText(request)}\n${rowState(request)}\n>${plainLine(reason, 250)}`,
    ),
    actions(`review-${id}`, [reviewedButton(request), detailsButton(request)]),
  ];
}

type Configured = Pick<HomeContent, "clusterOf" | "isRepeatable">;

function removedNote(request: AccessRequest): string {
  return `\n:warning: ${removedClause(request)}. Ask an operator to add it again.`;
}

function accessRow(
  request: AccessRequest,
  place: string,
  { clusterOf, user }: Pick<HomeContent, "clusterOf" | "user">,
): KnownBlock[] {
  const { id, lease } = request;
  const isActive = lease?.state === "active" && !lease.end;
  const state = isActive && !lease.drift ? `*Active*. ${ends(request)}` : rowState(request);
  const isThere = clusterOf(request) !== undefined;
  const buttons = isActive && isThere ? ownLeaseButtons(request, user) : [];
  return [
    section(`${ownSubject(request)}\n${admitsText(request)}\n${state}${isThere ? "" : removedNote(request)}`),
    actions(`${place}-${id}`, [...buttons, detailsButton(request)]),
  ];
}

function rowOf(request: AccessRequest, place: string, { clusterOf, isRepeatable }: Configured): KnownBlock[] {
  const { id, createdAt } = request;
  const cluster = clusterOf(request);
  const isWaited = request.preview !== null && cluster !== undefined && isApprovable(request, cluster);
  const nudge = isWaited ? [nudgeButton(request)] : [];
  const again = isRepeatable(request) ? askAgainButtons(request) : [];
  const buttons = isClosed(request) ? again : [...nudge, cancelButton(request)];
  const note = cluster || isClosed(request) ? "" : removedNote(request);
  // Tells two requests for the same level apart.
  const why = isClosed(request) ? "" : `\n>${plainLine(request.reason, 250)}`;
  return [
    section(`${ownSubject(request)}, asked ${time(createdAt)}\n${rowState(request)}${note}${why}`),
    actions(`${place}-${id}`, [detailsButton(request), ...buttons]),
  ];
}

function ends({ lease, durationSeconds }: AccessRequest): string {
  return isPermanent(durationSeconds) || !lease ? "No end date" : `Ends ${timeLeft(lease.endsAt)}`;
}

/** Without the ledger: nothing that can be untrue. */
export function unknownHomeView(sentence: string): Home {
  return sentenceView(`:warning: ${sentence.replace(/ Try again in a minute\..*/, "")} Reopen in a minute.`);
}

export function refusedHomeView({ text }: Message): Home {
  return sentenceView(text);
}

function sentenceView(sentence: string): Home {
  return { type: "home", blocks: [{ type: "header", text: plainText("Access to EKS clusters") }, section(sentence)] };
}
