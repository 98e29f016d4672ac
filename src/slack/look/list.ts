import { nearest } from "../../access/request/nearest.ts";
import type { Command } from "../app/command.ts";
import type { ListView } from "../blocks/buttons.ts";
import { noSuchListAnswer } from "./list-answer.ts";
import { readList } from "./read-list.ts";

const kinds = ["mine", "pending", "active"] as const;

export const list: Command = {
  word: "list",
  usage: "[mine | pending | active | <cluster>]",
  summary: "shows requests, leases and migrations, page by page, with the buttons that you may use",
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
