import type { Logger } from "pino";
import type { AuditEvent } from "../access/audit/event.ts";
import { explainFailure } from "../access/failure/access-error.ts";
import { keepsClusters } from "../config/kept-clusters.ts";
import type { ProcessKind } from "../config/key-environment.ts";
import type { LiveConfig, Offer } from "../config/live-config.ts";
import { type FileReading, watchFile } from "../config/watch-file.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type Stoppable, unfinishedAt } from "../ledger/work-on-jobs.ts";
import { recordedEvents } from "../operations/announcements.ts";
import type { Settings } from "./settings.ts";

interface ReloadContext {
  readonly kind: ProcessKind;
  readonly live: LiveConfig;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Follows eks-access.yml: a new text replaces the configuration as a whole, or is refused with each of its problems. */
export async function startReloading(
  context: ReloadContext,
  { environment: { configFile }, digest }: Pick<Settings, "environment" | "digest">,
): Promise<Stoppable> {
  const { live, ledger } = context;
  live.refuseIf(keepsClusters({ ledger }));
  await noteChange(context, configFile, digest);
  let reported = "";
  const watch = watchFile(configFile, digest, async (reading) => {
    const offer = await offered(live, reading);
    if (offer.type === "replaced") {
      reported = "";
      await tellReplaced(context, configFile, reading, offer.afterRestart);
      return true;
    }
    const problems = offer.problems.join("\n");
    if (problems !== reported) await tellRefused(context, configFile, reading, offer.problems);
    reported = problems;
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

/** A check that got no answer, of Redis or of Slack, is no yes. */
async function offered(live: LiveConfig, reading: FileReading): Promise<Offer> {
  if (reading.type === "unreadable") return { type: "refused", problems: [reading.problem] };
  try {
    return await live.offer(reading.text);
  } catch (error) {
    return { type: "refused", problems: [explainFailure(error)] };
  }
}

async function tellReplaced(
  context: ReloadContext,
  file: string,
  reading: FileReading,
  afterRestart: readonly string[],
): Promise<void> {
  const digest = digestOf(reading);
  const clusters = context.live.current().clusters.size;
  context.log.info({ file, digest, clusters }, "the configuration is replaced");
  if (afterRestart.length > 0) context.log.warn({ file, settings: afterRestart }, "these settings need a restart");
  await noteChange(context, file, digest);
}

async function tellRefused(
  context: ReloadContext,
  file: string,
  reading: FileReading,
  problems: readonly string[],
): Promise<void> {
  for (const problem of problems) context.log.error({ file, problem }, "the new configuration is refused");
  const digest = digestOf(reading);
  const isFirst = await context.ledger.takeTurn(`refused-${context.kind}-${digest}`, refusedOnceMs).catch(() => false);
  if (isFirst) await append(context, "configuration.refused", { file, digest, problems });
}

/** Several processes of a kind refuse a text once. */
const refusedOnceMs = 10 * 60_000;

/** Also at a start: the file may have changed while no process ran. */
async function noteChange(context: ReloadContext, file: string, digest: string): Promise<void> {
  const before = await context.ledger.exchangeConfiguration(context.kind, digest).catch(() => digest);
  if (before === null || before === digest) return;
  await append(context, "configuration.changed", { file, digest, before });
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
    log.error({ err: error, event }, "a change of the configuration could not be recorded");
  }
}

function digestOf(reading: FileReading): string {
  return reading.type === "text" ? reading.digest : "";
}
