import { isNamespaceName } from "../../access/ask/read-part.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { choosesNamespaces } from "../../access/policy/policy-text.ts";
import { levelsOffered } from "../../access/policy/rule.ts";
import { isCurrentList, readNamespaceList } from "../../access/shared-lists.ts";
import { namespacesReport } from "../../diagnosis/reports.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { askWorker, type SlackContext } from "../app/context.ts";
import type { Suggestion } from "../app/payload.ts";
import { personFor } from "../app/request-people.ts";
import { readForm } from "./form.ts";
import { optionOf, suggestionsOf } from "./form-fields.ts";

/** Slack waits three seconds for options, and a person for a letter. In milliseconds. */
const searchingMs = 1_500;
/** All searches in a cluster ask a worker once in this time. */
const askedEveryMs = 15_000;

/** Offers unlisted names too: the list can be old, and the worker checks the name before the approvers see it. */
export async function handleNamespaceSearch(context: SlackContext, { ack, body, payload }: Suggestion): Promise<void> {
  const { cluster: name, askedFor } = body.view ? readForm(body.view) : { cluster: "", askedFor: "" };
  const cluster = context.config.clusters.get(name);
  const people = [body.user.id, ...(askedFor ? [askedFor] : [])];
  const names = cluster && (await canAllChoose(context, cluster, people)) ? await namesIn(context, cluster) : [];
  const typed = payload.value.trim().toLowerCase();
  const isOther = typed !== "" && isNamespaceName(typed) && !names.includes(typed);
  const other = isOther ? [{ ...optionOf(`${typed} (not in the list)`), value: typed }] : [];
  await ack({ options: [...suggestionsOf(names, typed).slice(0, 99), ...other] });
}

/** To people who can't choose them, the names would be a list of targets. */
async function canAllChoose(context: SlackContext, cluster: Cluster, users: readonly string[]): Promise<boolean> {
  const people = await Promise.all(users.map((user) => personFor(context, cluster, user).catch(() => null)));
  return people.every(
    (person) => person && levelsOffered(cluster, person).some(({ groups }) => choosesNamespaces(groups)),
  );
}

/** The published names, and a worker's answer if they are older than a minute. */
async function namesIn(context: SlackContext, cluster: Cluster): Promise<readonly string[]> {
  const { ledger, keys, now } = context;
  const published = async () =>
    readNamespaceList(await ledger.namespacesOf(cluster.name), cluster, keys.preview, now());
  const known = await published().catch(() => null);
  if (known && isCurrentList(known, now())) return known.names;
  const asking = ask(context, cluster).catch(() => null);
  return (await withinTime(asking, searchingMs, null)) ?? known?.names ?? [];
}

/** Null: another search asked just now, or no worker answered. */
async function ask(context: SlackContext, cluster: Cluster): Promise<readonly string[] | null> {
  const { name } = cluster;
  if (!(await context.ledger.takeTurn(`namespaces-${name}`, askedEveryMs))) return null;
  const report = await askWorker(context, { type: "namespaces", cluster: name }, namespacesReport);
  if (report?.type !== "found") return null;
  return readNamespaceList(report.list, cluster, context.keys.preview, context.now())?.names ?? null;
}
