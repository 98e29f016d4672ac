import { nearest } from "../../request/nearest.ts";
import { readList } from "../handlers/read-list.ts";
import type { ListView } from "../messages/buttons.ts";
import { noSuchListAnswer } from "../messages/list-answer.ts";
import type { Command } from "./command.ts";

const kinds = ["mine", "pending", "active"] as const;

export const list: Command = {
  word: "list",
  usage: "[mine | pending | active | <cluster>]",
  summary: "shows requests, grants and migrations, page by page, with the buttons that you may use",
  run: async (context, { user, rest }) => {
    const clusters = [...context.config.clusters.keys()];
    const view = viewOf(rest.toLowerCase() || "mine", clusters);
    return view ? readList(context, user, view, 0) : noSuchListAnswer(rest, nearest(rest, [...kinds, ...clusters]));
  },
};

function viewOf(word: string, clusters: readonly string[]): ListView | null {
  const kind = kinds.find((each) => each === word);
  if (kind) return { kind };
  return clusters.includes(word) ? { kind: "cluster", cluster: word } : null;
}
