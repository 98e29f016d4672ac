import type { ListOf } from "../../ledger/ledger.ts";
import { actsOf } from "../../policy/may-act.ts";
import { answersFor } from "../../policy/may-see.ts";
import type { SlackContext } from "../context.ts";
import { type ListView, listAnswer, rowsInPage } from "../messages/list-answer.ts";
import type { Message } from "../messages/message.ts";
import { personShown } from "../standing.ts";

/** One page of a list for this reader: their own requests, and those of the clusters that they answer for. @throws AccessError */
export async function readList(context: SlackContext, user: string, view: ListView, offset: number): Promise<Message> {
  const { clusters } = context.config;
  const person = await personShown(context, user);
  const answered = [...clusters.values()].filter((cluster) => answersFor(cluster, person)).map(({ name }) => name);
  const { requests, total } = await context.ledger.list(listOf(view, user, answered), offset, rowsInPage);
  // What was on the last page is gone: the page before it is the last one now.
  if (requests.length === 0 && offset > 0) return readList(context, user, view, Math.max(0, offset - rowsInPage));
  const now = context.now();
  const rows = requests.map((request) => ({
    request,
    acts: actsOf(request, clusters.get(request.cluster), person, now),
  }));
  const seesOthers = view.kind === "cluster" ? answered.includes(view.cluster) : answered.length > 0;
  return listAnswer({ view, rows, offset, total, seesOthers });
}

function listOf(view: ListView, user: string, answered: readonly string[]): ListOf {
  if (view.kind === "mine") return { list: "all", clusters: [], requester: user, match: "any" };
  if (view.kind === "cluster") {
    const clusters = [view.cluster];
    return answered.includes(view.cluster)
      ? { list: "all", clusters, requester: null, match: "any" }
      : { list: "all", clusters, requester: user, match: "both" };
  }
  const list = view.kind === "pending" ? "pending" : "granted";
  return { list, clusters: answered, requester: user, match: "any" };
}
