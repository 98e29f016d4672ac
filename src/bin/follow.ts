import type { Logger } from "pino";
import { type Notice, sealNotice } from "../access/audit/notice.ts";
import type { Environment } from "../config/environment.ts";
import { type FleetFollower, followFleet, keepsClusters } from "../config/follow-fleet.ts";
import type { LiveConfig } from "../config/live-config.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type Stoppable, unfinishedAt } from "../ledger/work-on-jobs.ts";
import { startTicking } from "../operations/ticking.ts";

interface FollowedContext {
  readonly live: LiveConfig;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly now: () => Date;
}

type Keys = Pick<Environment, "workerKeys" | "slackKeys">;

const lookEveryMs = 5_000;

/** Follows the list of the fleet. It resolves with the clusters in place, so that due work there begins at once. */
export async function startFollowing(
  context: FollowedContext,
  { workerKeys, slackKeys }: Keys,
): Promise<FleetFollower & Stoppable> {
  const { live, ledger, log } = context;
  const keys = workerKeys?.preview ?? slackKeys?.preview;
  if (!keys) throw new Error("This process has no key to verify the fleet with.");
  live.refuseIf(keepsClusters({ ledger }), "fleet");
  const follower = followFleet({ ...context, keys });
  const look = () =>
    follower.look().catch((error: unknown) => log.warn({ err: error }, "could not read the list of the fleet"));
  await look();
  const ticking = startTicking(lookEveryMs, look);
  return { ...follower, stop: (deadline) => unfinishedAt(ticking.stop(), "reading the fleet", deadline) };
}

/** Puts a notice for the operators' channel into the ledger, sealed by this process; into the log if the ledger takes none. */
export function noticeSender(
  { ledger, log }: Pick<FollowedContext, "ledger" | "log">,
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
