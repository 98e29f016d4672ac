import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { AccessError, explain } from "../../access/failure/access-error.ts";
import { approversOf, mostApprovalsNeeded } from "../../access/policy/rule.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { approversLooked } from "../../operations/metrics/announcements.ts";
import { inTime } from "../app/in-time.ts";
import type { Directory } from "../people/directory.ts";
import {
  type ApprovableLevel,
  type Look,
  lookAtApprovers,
  mendApprovers,
  type ShortLevel,
} from "./living-approvers.ts";

export interface WatchContext {
  readonly directory: Directory;
  readonly config: Pick<Config, "clusters">;
  readonly ledger: Pick<Ledger, "goodApprovers" | "rememberGoodApprovers">;
  readonly log: Logger;
}

/** How often it is looked, and how soon again where Slack did not answer; in milliseconds. */
const usual = { everyMs: 3_600_000, againMs: 60_000, startMs: 15_000 };

/**
 * Looks when the process starts, and each hour, whether every level has enough approvers who are active. A level that never
 * had them is a mistake of the configuration: the process does not start. One whose approvers have left since is told in the
 * log and as a metric, and its requests are refused: a restart in the night must not fail because somebody has left.
 * @throws AccessError `config-invalid`
 */
export async function watchApprovers(
  context: WatchContext,
  times = usual,
): Promise<{ readonly stop: () => Promise<void> }> {
  const first = await firstLook(context, times.startMs);
  const stopping = new AbortController();
  const watching = watch(context, first, times, stopping.signal);
  return {
    stop: () => {
      stopping.abort();
      return watching;
    },
  };
}

/** Null: Slack did not answer in time, which must not keep the process from starting. */
async function firstLook(context: WatchContext, withinMs: number): Promise<Look | null> {
  const looking = lookAtApprovers(context.directory, context.config.clusters.values());
  const look = await inTime(looking, withinMs, null);
  if (!look) {
    context.log.warn("Slack did not say in time whether approvers are active; it is asked again");
    return null;
  }
  await refuseMistakes(context, look);
  await tell(context, look);
  return look;
}

async function watch(context: WatchContext, first: Look | null, times: typeof usual, stop: AbortSignal): Promise<void> {
  let look = first;
  while (!stop.aborted) {
    const isAnswered = look !== null && look.untold.length === 0;
    await pause(isAnswered ? times.everyMs : times.againMs, null, { ref: false, signal: stop }).catch(() => {});
    if (stop.aborted) return;
    look = await lookAtApprovers(context.directory, context.config.clusters.values());
    await tell(context, look);
  }
}

async function refuseMistakes({ ledger }: WatchContext, { short }: Look): Promise<void> {
  if (short.length === 0) return;
  const good = await ledger.goodApprovers();
  const mistakes = short.filter((each) => good.get(nameOf(each)) !== digestOf(each));
  if (mistakes.length === 0) return;
  const list = mistakes.map((each) => `\n  - ${sentenceOf(each)}`).join("");
  const count = `${mistakes.length} level${mistakes.length === 1 ? "" : "s"}`;
  throw new AccessError("config-invalid", `In eks-access.yml ${count} can't be approved by enough people`, {
    mend: `Correct that and start again:${list}`,
  });
}

/** Told in the log and as a metric; what is good is remembered, so that it is no mistake later. */
async function tell({ log, ledger }: WatchContext, { good, short, untold }: Look): Promise<void> {
  for (const each of short) log.error({ gone: each.gone, living: each.living }, sentenceOf(each));
  for (const { error, cluster, level } of untold) {
    log.warn(
      { cluster: cluster.name, level: level.name, err: error },
      `Approvers were not looked at: ${explain(error)}`,
    );
  }
  approversLooked.tell([
    ...good.map(({ cluster, level }) => ({ cluster: cluster.name, level: level.name, missing: 0 })),
    ...short.map((each) => ({ cluster: each.cluster.name, level: each.level.name, missing: missingOf(each) })),
  ]);
  await ledger.rememberGoodApprovers(new Map(good.map((each) => [nameOf(each), digestOf(each)]))).catch((error) => {
    log.warn({ err: error }, "could not remember that there are enough approvers");
  });
}

function sentenceOf({ cluster, level, rule, needed, living, gone }: ShortLevel): string {
  const by = rule.name ? `, by the rule ${rule.name}` : "";
  const active = living.length === 0 ? "nobody" : `only ${living.length}`;
  const lost = gone.length > 0 ? ` Nobody is active of ${gone.join(", ")}.` : "";
  const approvals = needed === 1 ? "an approval" : `${needed} approvals`;
  return `${level.name} on ${cluster.name} takes ${approvals}${by}, and ${active} of those who may give one can sign in to Slack.${lost} ${mendApprovers(rule, cluster)}`;
}

function missingOf({ needed, living }: ShortLevel): number {
  return needed - living.length;
}

function nameOf({ cluster, level, rule }: ApprovableLevel): string {
  return `${cluster.name} ${level.name} ${rule.name}`;
}

/** Another approver, or more approvals, are another configuration: that one has to be good by itself. */
function digestOf({ cluster, level, rule }: ApprovableLevel): string {
  const what = [approversOf(rule, cluster).toSorted(), mostApprovalsNeeded(rule, level)];
  return createHash("sha256").update(JSON.stringify(what)).digest("hex");
}
