import { hash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { AccessError, explainFailure } from "../../access/access-error.ts";
import { approversOf, maxApprovalsNeeded } from "../../access/policy/rule.ts";
import type { Config } from "../../config/config.ts";
import type { ClusterLedger } from "../../ledger/clusters.ts";
import { approversChecked } from "../../operations/announcements.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { believedMs, type Directory } from "../app/directory.ts";
import {
  type ApprovableLevel,
  type ApproverCheck,
  checkApprovers,
  remedyForApprovers,
  type ShortLevel,
  shortageText,
} from "../app/people-called.ts";

export interface WatchContext {
  readonly directory: Directory;
  readonly configuration: () => Pick<Config, "clusters" | "fleet">;
  readonly ledger: Pick<ClusterLedger, "approversKnown" | "rememberApprovers">;
  /** Shows again what other people can decide since the last look. */
  readonly showOthers: () => Promise<void>;
  readonly log: Logger;
}

/** In milliseconds; `againMs`: when Slack did not answer. `followMs`: the directory believes an answer from before the change less long. */
const usual = { everyMs: 3_600_000, againMs: 60_000, followMs: believedMs + 1_000, startMs: 15_000 };

/**
 * Checks at the start, and each hour, whether every level has enough active approvers. A level that never had them is a
 * mistake of the configuration, and the process does not start. If approvers leave later, a log line and a metric
 * report it, and requests for the level are refused: a restart must not fail because a person left.
 * @throws AccessError `config-invalid`
 */
export async function watchApprovers(
  context: WatchContext,
  times = usual,
): Promise<{ readonly lookSoon: () => void; readonly stop: () => Promise<void> }> {
  const first = await firstLook(context, times.startMs);
  const stopping = new AbortController();
  const asked = { now: new AbortController() };
  const watching = watch(context, first, times, { stop: stopping.signal, asked });
  return {
    lookSoon: () => asked.now.abort(),
    stop: () => {
      stopping.abort();
      return watching;
    },
  };
}

/** Null: Slack did not answer in time, which must not stop the start. */
async function firstLook(context: WatchContext, withinMs: number): Promise<ApproverCheck | null> {
  const looking = checkApprovers(context.directory, context.configuration().clusters.values());
  const look = await withinTime(looking, withinMs, null);
  if (!look) {
    context.log.warn("Slack did not answer in time whether approvers are active; asking again");
    return null;
  }
  // An account can set the tags of its clusters in the fleet. These must not stop the process.
  const ofFleet = new Set(context.configuration().fleet?.names.values());
  await refuseMistakes(context, { ...look, tooFew: look.tooFew.filter(({ cluster }) => !ofFleet.has(cluster.name)) });
  await reportCheck(context, look);
  return look;
}

/**
 * A look that was asked for is now, if the directory has no older answer, and once more when no process believes one. Until then others wait,
 * so that many changes of user groups cost Slack two looks a minute.
 */
async function watch(
  context: WatchContext,
  first: ApproverCheck | null,
  { everyMs, againMs, followMs }: typeof usual,
  { stop, asked }: { readonly stop: AbortSignal; readonly asked: { now: AbortController } },
): Promise<void> {
  let look = first;
  let isFollowed = true;
  while (!stop.aborted) {
    const usualMs = look !== null && look.unanswered.length === 0 ? everyMs : againMs;
    const signal = isFollowed ? AbortSignal.any([stop, asked.now.signal]) : stop;
    await pause(isFollowed ? usualMs : followMs, null, { ref: false, signal }).catch(() => {});
    if (stop.aborted) return;
    isFollowed = !(isFollowed && asked.now.signal.aborted);
    if (!isFollowed) asked.now = new AbortController();
    look = await checkApprovers(context.directory, context.configuration().clusters.values());
    await reportCheck(context, look);
    await context.showOthers();
  }
}

/** The levels of a new configuration with too few active approvers, a sentence each. */
export async function approverMistakes(
  context: Pick<WatchContext, "directory" | "ledger">,
  { clusters }: Pick<Config, "clusters">,
): Promise<readonly string[]> {
  return mistakesIn(context, await checkApprovers(context.directory, clusters.values()));
}

async function mistakesIn({ ledger }: Pick<WatchContext, "ledger">, { tooFew }: ApproverCheck) {
  if (tooFew.length === 0) return [];
  const good = await ledger.approversKnown();
  return tooFew.filter((each) => good.get(nameOf(each)) !== digestOf(each)).map(sentenceOf);
}

async function refuseMistakes(context: WatchContext, look: ApproverCheck): Promise<void> {
  const mistakes = await mistakesIn(context, look);
  if (mistakes.length === 0) return;
  const list = mistakes.map((each) => `\n  - ${each}`).join("");
  const count = `${mistakes.length} level${mistakes.length === 1 ? "" : "s"}`;
  const what = `${count} in eks-access.yml ${mistakes.length === 1 ? "has" : "have"} too few active approvers`;
  throw new AccessError("config-invalid", what, { remedy: `Correct them and start again:${list}` });
}

async function reportCheck({ log, ledger }: WatchContext, check: ApproverCheck): Promise<void> {
  const { enough, tooFew, unanswered } = check;
  for (const each of tooFew) log.error({ gone: each.inactive, living: each.active }, sentenceOf(each));
  for (const { error, cluster, level } of unanswered) {
    const about = { cluster: cluster.name, level: level.name, err: error };
    log.warn(about, `Could not check the approvers: ${explainFailure(error)}`);
  }
  approversChecked.publish([
    ...enough.map(({ cluster, level }) => ({ cluster: cluster.name, level: level.name, missing: 0 })),
    ...tooFew.map(({ cluster, level, needed, active }) => {
      return { cluster: cluster.name, level: level.name, missing: needed - active.length };
    }),
  ]);
  await ledger.rememberApprovers(new Map(enough.map((each) => [nameOf(each), digestOf(each)]))).catch((error) => {
    log.warn({ err: error }, "could not remember that there are enough approvers");
  });
}

function sentenceOf({ cluster, level, rule, needed, active, inactive }: ShortLevel): string {
  const by = rule.name ? ` by the rule ${rule.name}` : "";
  const lost = inactive.length > 0 ? ` Not active: ${inactive.join(", ")}.` : "";
  return `${level.name} on ${cluster.name}${by} ${shortageText(needed, active.length)}.${lost} ${remedyForApprovers(rule, cluster)}`;
}

function nameOf({ cluster, level, rule }: ApprovableLevel): string {
  return `${cluster.name} ${level.name} ${rule.name}`;
}

/** Other approvers, or more approvals, make another configuration, which must be correct itself. */
function digestOf({ cluster, level, rule }: ApprovableLevel): string {
  const what = [approversOf(rule, cluster).toSorted(), maxApprovalsNeeded(rule, level)];
  return hash("sha256", JSON.stringify(what));
}
