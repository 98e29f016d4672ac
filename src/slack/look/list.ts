import type { Button, KnownBlock } from "@slack/types";
import { z } from "zod";
import { nearest } from "../../access/ask/read-part.ts";
import type { Migration } from "../../access/migration.ts";
import { type Act, actsOf } from "../../access/policy/permissions.ts";
import { isResponsibleFor, isUser, type Person } from "../../access/policy/rule.ts";
import { type AccessRequest, isTheirs } from "../../access/record.ts";
import type { ListOf } from "../../ledger/lists.ts";
import { continuationOf } from "../../ledger/look-ups.ts";
import { answerWhereClicked, type Buttons } from "../app/answer.ts";
import type { Command, SlackContext } from "../app/context.ts";
import type { ButtonClick } from "../app/payload.ts";
import { clustersShown, personShown } from "../app/request-people.ts";
import { type MigrationRow, migrationRowBlocks, migrationsShown } from "../migrate/migration-buttons.ts";
import { titleWith } from "../migrate/migration-words.ts";
import { type ListView, listActions, listButton, requestButton, rowButtons } from "../show/buttons.ts";
import { answer, failedAnswer, type Message, messageModal, messageOf } from "../show/message.ts";
import { actions, code, plainLine, section } from "../show/mrkdwn.ts";
import { admitsText, durationText, forText, placeText, rowState } from "../show/words.ts";

const labels = { mine: "Mine", pending: "Pending", active: "Active" } as const;
const kinds = ["mine", "pending", "active"] as const;

const listValue = z.strictObject({
  view: z.union([
    z.strictObject({ kind: z.enum(kinds) }),
    z.strictObject({ kind: z.literal("cluster"), cluster: z.string() }),
  ]),
  offset: z.int().min(0).max(1_000_000),
});

/** A row takes two of Slack's 50 blocks, and its share of the characters in a message. */
export const rowsInPage = 8;

export const list: Command = {
  word: "list",
  usage: "[mine | pending | active | <cluster>]",
  summary: "lists requests, leases and migrations, with the buttons you can use",
  run: async (context, { user, rest }) => {
    const view = viewOf(rest.toLowerCase() || "mine", [...context.config.clusters.keys()]);
    if (view) return readList(context, user, view, 0);
    const shown = (await clustersShown(context, user)).map(({ name }) => name);
    return noSuchListAnswer(rest, nearest(rest, [...kinds, ...shown]));
  },
};

function viewOf(word: string, clusters: readonly string[]): ListView | null {
  const kind = kinds.find((each) => each === word);
  if (kind) return { kind };
  return clusters.includes(word) ? { kind: "cluster", cluster: word } : null;
}

type RequestRow = { readonly request: AccessRequest; readonly acts: readonly Act[] };

export type ListRow = RequestRow | MigrationRow;

export interface ListContent {
  readonly view: ListView;
  readonly rows: readonly ListRow[];
  readonly offset: number;
  readonly total: number;
  readonly migrations: readonly Pick<Migration, "kind">[];
  /** Whether the reader is an approver or on-call of a cluster, and so sees other people's requests. */
  readonly seesOthers: boolean;
}

export function listAnswer(content: ListContent): Message {
  return messageOf([
    section(`${titleOf(content)}: ${countOf(content)}`),
    ...content.rows.flatMap((row) => ("migration" in row ? migrationRowBlocks(row, "row") : requestRowBlocks(row))),
    actions("list", [...pageButtons(content), ...otherLists(content.view)]),
  ]);
}

function titleOf({ view, seesOthers, migrations }: ListContent): string {
  const requests = titleWith(seesOthers ? "Requests" : "Your requests", migrations);
  if (view.kind === "cluster") return `*${requests} for ${code(view.cluster)}*`;
  if (view.kind === "mine") return `*${titleWith("Your requests", migrations)}*`;
  if (view.kind === "pending") return `*${requests} waiting for a decision*`;
  return `*${titleWith(seesOthers ? "Active access" : "Your active access", migrations)}*, ending soonest first`;
}

function countOf({ rows, offset, total }: ListContent): string {
  if (total === 0) return "none";
  return rows.length === total ? String(total) : `${offset + 1} to ${offset + rows.length} of ${total}`;
}

function requestRowBlocks({ request, acts }: RequestRow): KnownBlock[] {
  const { id, level, cluster, reason } = request;
  const what = `*${code(level)} on ${code(cluster)}${placeText(request)}* ${forText(request)}, ${durationText(request)} (${code(id)})`;
  return [
    section(`${what}\n${admitsText(request)}\n${rowState(request)}\n>${plainLine(reason, 250)}`),
    actions(`row-${id}`, rowButtons(request, acts)),
  ];
}

function pageButtons({ view, offset, rows, total }: ListContent): Button[] {
  const before = offset > 0 ? [listButton("previous", "← Previous", view, Math.max(0, offset - rowsInPage))] : [];
  const after = offset + rows.length < total ? [listButton("next", "Next →", view, offset + rowsInPage)] : [];
  return [...before, ...after];
}

function otherLists({ kind }: ListView): Button[] {
  const others = kinds.filter((each) => each !== kind);
  return [...others.map((each) => listButton(each, labels[each], { kind: each }, 0)), requestButton()];
}

export function noSuchListAnswer(word: string, guess: string | null): Message {
  const hint = guess ? ` Did you mean ${code(`/eks-access list ${guess}`)}?` : "";
  return answer(
    `There is no cluster ${code(word)}. ` +
      `${code("/eks-access list")} takes ${code("mine")}, ${code("pending")}, ${code("active")} or a cluster.${hint}`,
  );
}

/** One page for this reader: their own requests, and those of their clusters as approver or on-call. @throws AccessError */
async function readList(context: SlackContext, user: string, view: ListView, offset: number): Promise<Message> {
  const { clusters } = context.config;
  const person = await personShown(context, user);
  const answered = [...clusters.values()]
    .filter((cluster) => isResponsibleFor(cluster, person))
    .map(({ name }) => name);
  const migrationRows = (await migrationsShown(context, person)).filter(({ migration }) =>
    isIn(view, migration, person),
  );
  const migrations = migrationRows.map(({ migration }) => migration);
  const migrationsHere = migrationRows.slice(offset, offset + rowsInPage);
  const room = rowsInPage - migrationsHere.length;
  const asked = { from: Math.max(0, offset - migrations.length), most: Math.max(1, room) };
  const { requests, total } = await context.ledger.list(listOf(view, person, answered), asked.from, asked.most);
  const now = context.now();
  const rows: readonly ListRow[] = [
    ...migrationsHere,
    ...(await Promise.all(
      requests.slice(0, room).map(async (request) => {
        const isExtended = (await continuationOf(context.ledger, request)) !== null;
        return { request, acts: actsOf(request, clusters.get(request.cluster), person, now, isExtended) };
      }),
    )),
  ];
  // The page is gone, or the button's value is forged.
  const last = Math.floor((migrations.length + total - 1) / rowsInPage) * rowsInPage;
  if (rows.length === 0 && offset > 0)
    return readList(context, user, view, Math.max(0, Math.min(last, offset - rowsInPage)));
  const seesOthers = view.kind === "cluster" ? answered.includes(view.cluster) : answered.length > 0;
  return listAnswer({ view, rows, offset, total: migrations.length + total, migrations, seesOthers });
}

function isIn(view: ListView, migration: Migration, { user, memberships }: Person): boolean {
  if (view.kind === "mine") return isTheirs(migration, user, memberships);
  if (view.kind === "cluster") return migration.cluster === view.cluster;
  return (migration.state === "pending") === (view.kind === "pending");
}

function listOf(view: ListView, { user, memberships }: Person, answered: readonly string[]): ListOf {
  const own = { requester: user, olderIds: memberships.filter(isUser) };
  if (view.kind === "mine") return { list: "all", clusters: [], ...own, match: "any" };
  if (view.kind === "cluster") {
    const clusters = [view.cluster];
    return answered.includes(view.cluster)
      ? { list: "all", clusters, requester: null, match: "any" }
      : { list: "all", clusters, ...own, match: "both" };
  }
  return { list: view.kind === "pending" ? "pending" : "leased", clusters: answered, ...own, match: "any" };
}

export const listButtons: Buttons = Object.fromEntries(Object.values(listActions).map((action) => [action, turn]));

async function turn(context: SlackContext, click: ButtonClick): Promise<void> {
  await click.ack();
  const { action, body } = click;
  try {
    const { view, offset } = listValue.parse(JSON.parse(action.value ?? ""));
    await turnPage(context, click, await readList(context, body.user.id, view, offset));
  } catch (error) {
    context.log.error({ err: error, action: action.action_id }, "a click failed");
    await answerWhereClicked(context, click, failedAnswer(error));
  }
}

async function turnPage(context: SlackContext, click: ButtonClick, page: Message): Promise<void> {
  const { body, client, respond } = click;
  const isOfList = body.actions.some(({ block_id }) => block_id === "list");
  if (body.view?.type === "modal" && isOfList) {
    return void (await client.views.update({ view_id: body.view.id, view: messageModal("Requests", page) }));
  }
  if (!body.response_url || !isOfList) return answerWhereClicked(context, click, page);
  await respond({ response_type: "ephemeral", replace_original: true, ...page });
}
