import type { HomeView, KnownBlock } from "@slack/types";
import { formatDuration, isPermanent } from "../../access/request/extension.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { isClosed } from "../../access/request/request.ts";
import {
  cancelButton,
  detailsButton,
  doneButton,
  extendButtons,
  listButton,
  requestButton,
  reviewedButton,
} from "../blocks/buttons.ts";
import type { Message } from "../blocks/message.ts";
import { code, codeList, context, cut, mention, plainLine, section, time } from "../blocks/mrkdwn.ts";
import { admitsText, durationOf, emergencyTitle, stateOf } from "../blocks/words.ts";
import { type MigrationRow, migrationRowBlocks } from "../migrate/migration-row.ts";

const width = 12;

/** Some requests, and how many there are in all. */
export interface HomeList {
  readonly requests: readonly AccessRequest[];
  readonly total: number;
}

/** Everything in a person's App Home. */
export interface HomeContent {
  readonly user: string;
  /** ARNs. */
  readonly identities: readonly string[];
  /** Waits for this person's decision. */
  readonly toDecide: HomeList;
  /** Migrations that wait for it. */
  readonly migrationsToDecide: readonly MigrationRow[];
  /** Access without an approval that waits for this person's review. */
  readonly toReview: HomeList;
  /** This person's access, also while it begins. */
  readonly access: HomeList;
  /** This person's other requests, the newest first. */
  readonly requests: HomeList;
  /** This person's open migrations. */
  readonly migrations: readonly MigrationRow[];
  readonly now: Date;
}

export interface Home extends HomeView {
  blocks: KnownBlock[];
}

/** A row takes two blocks of at most 100. */
export const mostRows = 10;

/** A person's App Home tab. A pure function of the ledger. */
export function homeView(content: HomeContent): Home {
  const { user, identities, toDecide, migrationsToDecide, toReview, access, requests, migrations, now } = content;
  return {
    type: "home",
    blocks: [
      { type: "header", text: { type: "plain_text", text: "Access to EKS clusters" } },
      section(identityWords(user, identities)),
      { type: "actions", block_id: "start", elements: [requestButton("primary")] },
      ...part("Waiting for your decision", "decide", toDecide, decisionRow, migrationsToDecide),
      ...part("Waiting for your review", "review", toReview, reviewRow),
      ...part("Your access", "access", access, (request) => accessRow(request, now)),
      ...part(
        migrations.length > 0 ? "Your requests and migrations" : "Your requests",
        "requests",
        requests,
        requestRow,
        migrations,
      ),
      context(`Updated ${time(now.toISOString())}. Reopen to refresh the time left.`),
    ],
  };
}

function identityWords(user: string, identities: readonly string[]): string {
  if (identities.length === 0)
    return `${mention(user)}, you have no linked AWS identity yet. Run ${code("/eks-access link <arn>")}.`;
  const what = identities.length === 1 ? "your AWS identity is" : "your AWS identities are";
  return `${mention(user)}, ${what} ${codeList(identities, 1500)}.`;
}

type Row = (request: AccessRequest) => KnownBlock[];

const lists = { decide: "pending", review: "active", access: "active", requests: "mine" } as const;

/** Migrations come first: each concerns everybody in a cluster. */
function part(
  title: string,
  name: keyof typeof lists,
  { requests, total: ofRequests }: HomeList,
  row: Row,
  migrations: readonly MigrationRow[] = [],
): KnownBlock[] {
  const total = migrations.length + ofRequests;
  // A person who decides about nothing needs no empty list.
  if (total === 0 && (name === "decide" || name === "review")) return [];
  const rows = [...migrations.map((migration) => migrationRowBlocks(migration, name)), ...requests.map(row)];
  const shown = rows.slice(0, mostRows);
  const left = total - shown.length;
  const kind = lists[name];
  const more = listButton(kind, `${left} more`, { kind }, 0);
  return [
    { type: "divider" },
    section(`*${title}*${total === 0 ? ": none" : ` (${total})`}`),
    ...shown.flat(),
    ...(left > 0 ? [{ type: "actions" as const, block_id: `more-${name}`, elements: [more] }] : []),
  ];
}

function subjectOf({ level, cluster, id }: AccessRequest): string {
  return `*${code(level)} on ${code(cluster)}* (${code(id)})`;
}

function decisionRow(request: AccessRequest): KnownBlock[] {
  const { id, requester, reason, lapsesAt } = request;
  const who = `${subjectOf(request)} for ${mention(requester)}, ${durationOf(request)}. Expires ${time(lapsesAt)}`;
  return [
    section(`${who}\n${admitsText(request)}\n${cut(stateOf(request), 500)}\n>${plainLine(reason, 250)}`),
    // A decision is about a change, and a row shows none.
    { type: "actions", block_id: `decide-${id}`, elements: [detailsButton(request, "Review")] },
  ];
}

function reviewRow(request: AccessRequest): KnownBlock[] {
  const { id, reason } = request;
  return [
    section(
      `${emergencyTitle(request)} (${code(id)})\n${admitsText(request)}\n${cut(stateOf(request), 500)}\n>${plainLine(reason, 250)}`,
    ),
    { type: "actions", block_id: `review-${id}`, elements: [reviewedButton(request), detailsButton(request)] },
  ];
}

function accessRow(request: AccessRequest, now: Date): KnownBlock[] {
  const { id, lease } = request;
  const isActive = lease?.state === "active" && !lease.end;
  const left = isActive ? `\n${leaseProgress(request, now)}` : "";
  const buttons = isActive ? [...extendButtons(request), doneButton(request)] : [];
  return [
    section(`${subjectOf(request)}\n${admitsText(request)}\n${cut(stateOf(request), 500)}${left}`),
    { type: "actions", block_id: `access-${id}`, elements: [...buttons, detailsButton(request)] },
  ];
}

function requestRow(request: AccessRequest): KnownBlock[] {
  const { id, createdAt } = request;
  const buttons = isClosed(request) ? [] : [cancelButton(request)];
  return [
    section(`${subjectOf(request)}, asked ${time(createdAt)}\n${cut(stateOf(request), 500)}`),
    { type: "actions", block_id: `request-${id}`, elements: [detailsButton(request), ...buttons] },
  ];
}

/** How much of a lease is over, as a bar, and the time left: `▓▓▓░░░░░░░░░ 3h left of 4h`. */
export function leaseProgress({ lease, durationSeconds }: AccessRequest, now: Date): string {
  if (isPermanent(durationSeconds)) return "permanent";
  const endsAt = Date.parse(lease?.endsAt ?? "");
  const leftSeconds = Math.min(durationSeconds, Math.max(0, Math.ceil((endsAt - now.getTime()) / 1000)));
  const over = Math.round((1 - leftSeconds / durationSeconds) * width);
  // Seconds beside hours are noise.
  const shown = leftSeconds > 3600 ? leftSeconds - (leftSeconds % 60) : leftSeconds;
  return `${"▓".repeat(over)}${"░".repeat(width - over)} ${formatDuration(shown)} left of ${formatDuration(durationSeconds)}`;
}

/** While the ledger does not answer: nothing that may be untrue. */
export function unknownHomeView(sentence: string): Home {
  return sentenceView(`:warning: ${sentence} Reopen in a minute.`);
}

/** For a person who may not use the bot: only the reason. */
export function refusedHomeView({ text }: Message): Home {
  return sentenceView(text);
}

function sentenceView(sentence: string): Home {
  return {
    type: "home",
    blocks: [{ type: "header", text: { type: "plain_text", text: "Access to EKS clusters" } }, section(sentence)],
  };
}
