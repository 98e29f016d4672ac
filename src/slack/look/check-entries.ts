import type { KnownBlock } from "@slack/types";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { EntriesReport } from "../../diagnosis/check-report.ts";
import { counted } from "../../diagnosis/link.ts";
import { code, context, section, told } from "../blocks/mrkdwn.ts";
import { problemBlocks, verdictOf } from "./check-problems.ts";

type CheckedEntries = Extract<EntriesReport, { type: "checked" }>;

/** What `check` tells of the access entries; nothing where the cluster knows none. */
export function entriesBlocks(cluster: Cluster, entries: EntriesReport): KnownBlock[] {
  if (entries.type === "none") return [];
  const head = `*access entries of ${code(cluster.name)}*`;
  if (entries.type === "failed") return [section(`:warning: ${head} were not read. ${told(entries.message, 1200)}`)];
  return [
    section(`${head} ${verdictWords(entries)}\n${countWords(entries)}`),
    ...unreadBlocks(entries),
    ...problemBlocks(entries, ": mend these first, then ask again."),
    ...(entries.knowsBindings ? [] : [context(unknownBindings)]),
  ];
}

/** Of what was not read nothing is known to be in order. */
function verdictWords(entries: CheckedEntries): string {
  const { error, warning, notice } = entries.counts;
  const isNothing = error + warning + notice === 0;
  return isNothing && entries.unread > 0 ? "– nothing to mend in what was read" : verdictOf(entries);
}

/** A message of a cluster with more types than EKS has today would hold these. */
const mostTypes = 10;

function countWords({ listed, unread, types }: CheckedEntries): string {
  const shown = types.slice(0, mostTypes).map(({ type, count }) => `${count} ${code(type, 40)}`);
  const ofRead = unread > 0 ? ` of the ${listed - unread} that were read` : "";
  const words = shown.length > 0 ? `: ${shown.join(", ")}${ofRead}` : "";
  return `${counted(listed, "access entry", "access entries")}${words}`;
}

function unreadBlocks({ listed, unread, why }: CheckedEntries): KnownBlock[] {
  if (why === null) return [];
  return [section(`:warning: ${unread} of ${listed} were not read. ${told(why, 600)}`)];
}

const unknownBindings = "The API server did not say which groups RBAC binds: groups that nothing binds are not told.";
