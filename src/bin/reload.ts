import { hash } from "node:crypto";
import { hostname } from "node:os";
import type { Logger } from "pino";
import { explainFailure } from "../access/access-error.ts";
import type { AuditEvent } from "../access/audit-event.ts";
import { type Notice, sealNotice } from "../access/shared-lists.ts";
import type { Environment } from "../config/environment.ts";
import { type FleetFollower, followFleet, keepsClusters } from "../config/follow-fleet.ts";
import type { ProcessKind } from "../config/key-environment.ts";
import { type FileReading, type LiveConfig, type Offer, watchFile } from "../config/live-config.ts";
import { processName } from "../ledger/clusters.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { RefusedFile } from "../ledger/stored.ts";
import { inTurn } from "../ledger/turns.ts";
import { recordedEvents } from "../operations/announcements.ts";
import type { FailureLog } from "../operations/log.ts";
import { type Stoppable, startTicking, stoppable, unfinishedAt } from "../operations/stoppable.ts";
import type { Settings } from "./settings.ts";

interface ReloadContext {
  readonly kind: ProcessKind;
  readonly announce: (notice: Notice) => Promise<void>;
  readonly live: LiveConfig;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Follows eks-access.yml: a new text replaces the whole configuration, or is refused with each of its problems. */
export async function startReloading(
  context: ReloadContext,
  { environment: { configFile }, digest }: Pick<Settings, "environment" | "digest">,
): Promise<Stoppable> {
  const { live } = context;
  await noteChange(context, { file: configFile, digest });
  let reported = "";
  let since: string | null = null;
  const watch = watchFile(configFile, digest, async (reading) => {
    const offer = await offered(live, reading);
    const read = { file: configFile, digest: reading.type === "text" ? reading.digest : "" };
    if (offer.type === "replaced") {
      reported = "";
      since = null;
      await noteRefusal(context, null);
      await reportReplaced(context, read, offer.afterRestart);
      return true;
    }
    const problems = offer.problems.join("\n");
    since ??= context.now().toISOString();
    await noteRefusal(context, { since, problems: offer.problems });
    if (problems === reported || (await reportRefused(context, read, offer.problems))) reported = problems;
    return false;
  });
  process.on("SIGHUP", watch.reread);
  return {
    stop: (deadline) => {
      process.off("SIGHUP", watch.reread);
      return unfinishedAt(watch.stop(), "reading eks-access.yml", deadline);
    },
  };
}

/** A check without an answer of Redis or Slack refuses the text. */
async function offered(live: LiveConfig, reading: FileReading): Promise<Offer> {
  if (reading.type === "unreadable") return { type: "refused", problems: [reading.problem] };
  try {
    return await live.offer(reading.text);
  } catch (error) {
    return { type: "refused", problems: [explainFailure(error)] };
  }
}

type ReadFile = { readonly file: string; readonly digest: string };

async function reportReplaced(context: ReloadContext, read: ReadFile, afterRestart: readonly string[]): Promise<void> {
  const { file, digest } = read;
  const { log, live, kind, announce } = context;
  log.info({ file, digest, clusters: live.current().clusters.size }, "replaced the configuration");
  if (afterRestart.length > 0) log.warn({ file, settings: afterRestart }, "these settings need a restart");
  if (!(await noteChange(context, read))) return;
  const lines = [
    `The new digest begins with ${digest.slice(0, 12)}.`,
    ...(afterRestart.length > 0 ? [`These settings need a restart: ${afterRestart.join(", ")}.`] : []),
  ];
  await announce(noticeOf(context, digest, `The ${processName(kind)} follows a new eks-access.yml`, lines));
}

/** False: another try in a minute, for a process that died before its notice. */
async function reportRefused(context: ReloadContext, { file, digest }: ReadFile, problems: readonly string[]) {
  const { log, ledger, kind, announce } = context;
  for (const problem of problems) log.error({ file, problem }, "refused the new configuration");
  const key = hash("sha256", JSON.stringify([digest, problems]), "base64url");
  const title = `The ${processName(kind)} refuses the new eks-access.yml, and keeps the old one`;
  const turn = `refused-${kind}-${key}`;
  await inTurn(ledger, turn, refusedOnceMs, async () => {
    await append(context, "configuration.refused", { file, digest, problems });
    await announce(noticeOf(context, digest, title, problems));
  }).catch(() => undefined);
  return ledger.isTurnKept(turn).catch(() => false);
}

/** More do not fit into an answer in Slack. */
const maxNoted = 5;

/** For `status`. Only words for people, so a failure is not reported. */
async function noteRefusal(
  { kind, ledger, now }: ReloadContext,
  refused: Pick<RefusedFile, "since" | "problems"> | null,
): Promise<void> {
  const refusal = refused && {
    kind,
    since: refused.since,
    seenAt: now().toISOString(),
    problems: refused.problems.slice(0, maxNoted).map((problem) => problem.slice(0, 300)),
  };
  await ledger.noteRefusal(`${kind} ${process.pid}@${hostname()}`, refusal).catch(() => undefined);
}

function noticeOf({ now }: ReloadContext, digest: string, title: string, lines: readonly string[]): Notice {
  const at = now().toISOString();
  const id = hash("sha256", JSON.stringify([at, digest, title])).slice(0, 32);
  return { id: `configuration-${id}`, at, title, lines };
}

/** Processes of a kind report one refusal of a text for one cause in this time. */
const refusedOnceMs = 10 * 60_000;

/** Records a changed file, also at a start: it can change while no process runs. False: another process of the kind recorded it, or it is the first file. */
async function noteChange(context: ReloadContext, { file, digest }: ReadFile): Promise<boolean> {
  const before = await context.ledger.exchangeConfiguration(context.kind, digest).catch(() => digest);
  if (before === null || before === digest) return false;
  await append(context, "configuration.changed", { file, digest, before });
  return true;
}

async function append(
  { kind, ledger, now, log }: ReloadContext,
  type: AuditEvent["type"],
  detail: AuditEvent["detail"],
): Promise<void> {
  const event: AuditEvent = { type, at: now().toISOString(), actor: kind, request: "", cluster: "", detail };
  try {
    await ledger.append(event);
    recordedEvents.publish(event);
  } catch (error) {
    log.error({ err: error, event }, "could not record a change of the configuration");
  }
}

type Keys = Pick<Environment, "workerKeys" | "slackKeys">;

const lookEveryMs = 5_000;

/** Follows the list of the fleet. It resolves with the clusters in place, so that due work there begins at once. */
export async function startFollowing(
  context: Omit<ReloadContext, "kind" | "announce"> & { readonly failures: FailureLog },
  { workerKeys, slackKeys }: Keys,
): Promise<FleetFollower & Stoppable> {
  const { live, ledger, failures } = context;
  const keys = workerKeys?.preview ?? slackKeys?.preview;
  if (!keys) throw new Error("This process has no key to verify the fleet with.");
  live.refuseIf(keepsClusters(ledger), "fleet");
  const follower = followFleet({ ...context, keys });
  const look = () => failures.during("could not read the list of the fleet", {}, follower.look);
  await look();
  return { ...follower, ...stoppable(startTicking(lookEveryMs, look), "reading the fleet") };
}

/** Puts a notice for the operators' channel into the ledger, sealed by this process; into the log if the ledger takes none. */
export function noticeSender(
  { ledger, log }: Pick<ReloadContext, "ledger" | "log">,
  { workerKeys, slackKeys }: Keys,
): (notice: Notice) => Promise<void> {
  const keys = workerKeys?.preview ?? slackKeys?.decision;
  return async (notice) => {
    if (!keys) return;
    await ledger.addNotice(sealNotice(notice, keys)).catch((error: unknown) => {
      log.error({ err: error, notice }, "could not post a notice in the operators' channel");
    });
  };
}
