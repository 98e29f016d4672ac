import type { Migration } from "../../access/migration/migration.ts";
import { actsOf } from "../../access/policy/may-act.ts";
import { answersFor } from "../../access/policy/may-see.ts";
import { migrationActsOf } from "../../access/policy/migration-acts.ts";
import type { ListOf } from "../../ledger/ledger.ts";
import type { SlackContext } from "../app/context.ts";
import type { ListView } from "../blocks/buttons.ts";
import type { Message } from "../blocks/message.ts";
import { migrationsShown } from "../migrate/migrations-shown.ts";
import { personShown } from "../people/standing.ts";
import { type ListRow, listAnswer, rowsInPage } from "./list-answer.ts";

/** One page of a list for this reader: their own requests, and those of the clusters that they answer for. @throws AccessError */
export async function readList(context: SlackContext, user: string, view: ListView, offset: number): Promise<Message> {
  const { clusters } = context.config;
  const person = await personShown(context, user);
  const answered = [...clusters.values()].filter((cluster) => answersFor(cluster, person)).map(({ name }) => name);
  const migrations = (await migrationsShown(context, person)).filter((migration) => isIn(view, migration, user));
  const migrationsHere = migrations.slice(offset, offset + rowsInPage);
  const room = rowsInPage - migrationsHere.length;
  // Of a page that moves fill only how many requests there are has to be known.
  const asked = { from: Math.max(0, offset - migrations.length), most: Math.max(1, room) };
  const { requests, total } = await context.ledger.list(listOf(view, user, answered), asked.from, asked.most);
  const now = context.now();
  const rows: readonly ListRow[] = [
    ...migrationsHere.map((migration) => ({
      migration,
      acts: migrationActsOf(migration, clusters.get(migration.cluster), person, now),
    })),
    ...requests
      .slice(0, room)
      .map((request) => ({ request, acts: actsOf(request, clusters.get(request.cluster), person, now) })),
  ];
  // What was on the last page is gone: the page before it is the last one now.
  if (rows.length === 0 && offset > 0) return readList(context, user, view, Math.max(0, offset - rowsInPage));
  const seesOthers = view.kind === "cluster" ? answered.includes(view.cluster) : answered.length > 0;
  return listAnswer({
    view,
    rows,
    offset,
    total: migrations.length + total,
    migrations: migrations.length,
    seesOthers,
  });
}

/** Whether a move that is not over belongs into a list. */
function isIn(view: ListView, { state, cluster, requester }: Migration, user: string): boolean {
  if (view.kind === "mine") return requester === user;
  if (view.kind === "cluster") return cluster === view.cluster;
  return (state === "pending") === (view.kind === "pending");
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
