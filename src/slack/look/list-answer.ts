import type { Button, KnownBlock } from "@slack/types";
import type { Act } from "../../access/policy/may-act.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { type ListView, listButton, requestButton, rowButtons } from "../blocks/buttons.ts";
import type { Message } from "../blocks/message.ts";
import { code, cut, mention, plainLine, section } from "../blocks/mrkdwn.ts";
import { durationOf, stateOf } from "../blocks/words.ts";
import { type MigrationRow, migrationRowBlocks } from "../migrate/migration-row.ts";

/** Each row takes two blocks of at most 50, and its share of the characters that Slack takes in a message. */
export const rowsInPage = 8;

export interface RequestRow {
  readonly request: AccessRequest;
  /** What the reader may do about it. */
  readonly acts: readonly Act[];
}
export type ListRow = RequestRow | MigrationRow;

export interface ListContent {
  readonly view: ListView;
  readonly rows: readonly ListRow[];
  /** How many rows come before these. */
  readonly offset: number;
  /** How many rows there are in all. */
  readonly total: number;
  /** How many of all are moves, which come first. */
  readonly migrations: number;
  /** Whether the reader answers for a cluster, and so sees more than their own. */
  readonly seesOthers: boolean;
}

/** One page of moves and requests, each with the buttons that this reader may use. */
export function listAnswer(content: ListContent): Message {
  const title = `${titleOf(content)}: ${countOf(content)}`;
  return {
    text: title.replaceAll("*", ""),
    blocks: [
      section(title),
      ...content.rows.flatMap(rowBlocks),
      { type: "actions", block_id: "list", elements: [...pageButtons(content), ...otherLists(content.view)] },
    ],
  };
}

function titleOf({ view, seesOthers, migrations }: ListContent): string {
  const whose = seesOthers ? "" : " of yours";
  const and = migrations > 0 ? " and migrations" : "";
  if (view.kind === "mine") return `*Your requests${and}*`;
  if (view.kind === "pending") return `*Requests${and}${whose} that wait for a decision*`;
  if (view.kind === "active") return `*Access${whose} in force${and && `${and} under way`}*, the first to end first`;
  return `*${seesOthers ? "Requests" : "Your requests"}${and} for ${code(view.cluster)}*`;
}

function countOf({ rows, offset, total }: ListContent): string {
  if (total === 0) return "none";
  return rows.length === total ? String(total) : `${offset + 1} to ${offset + rows.length} of ${total}`;
}

function rowBlocks(row: ListRow): KnownBlock[] {
  return "migration" in row ? migrationRowBlocks(row, "row") : requestRowBlocks(row);
}

function requestRowBlocks({ request, acts }: RequestRow): KnownBlock[] {
  const { id, level, cluster, requester, reason } = request;
  const what = `*${code(level)} on ${code(cluster)}* for ${mention(requester)}, ${durationOf(request)} (${code(id)})`;
  return [
    section(`${what}\n${cut(stateOf(request), 500)}\n>${plainLine(reason, 250)}`),
    { type: "actions", block_id: `row-${id}`, elements: rowButtons(request, acts) },
  ];
}

function pageButtons({ view, offset, rows, total }: ListContent): Button[] {
  const before = offset > 0 ? [listButton("previous", "← Previous", view, Math.max(0, offset - rowsInPage))] : [];
  const after = offset + rows.length < total ? [listButton("next", "Next →", view, offset + rowsInPage)] : [];
  return [...before, ...after];
}

function otherLists({ kind }: ListView): Button[] {
  const labels = { mine: "Mine", pending: "Pending", active: "Active" } as const;
  const others = (["mine", "pending", "active"] as const).filter((each) => each !== kind);
  return [...others.map((each) => listButton(each, labels[each], { kind: each }, 0)), requestButton()];
}

/** A word behind `list` that is none of its own, and no cluster. */
export function noSuchListAnswer(word: string, guess: string | null): Message {
  const hint = guess ? ` Did you mean ${code(`/eks-access list ${guess}`)}?` : "";
  const text =
    `There is no cluster ${code(word)}. ` +
    `${code("/eks-access list")} takes ${code("mine")}, ${code("pending")}, ${code("active")} or a cluster.${hint}`;
  return { text, blocks: [section(text)] };
}
