import { withEmergency } from "../../access/request.ts";
import { isOfNewestKey } from "../../access/seal.ts";
import { reviewSealedAgain, sealedAgain } from "../../access/seals.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { updateRequest } from "../../ledger/lifecycle.ts";
import type { FailureLog } from "../../operations/log.ts";
import { startTicking, type Ticking } from "../../operations/stoppable.ts";
import type { SlackContext } from "../app/context.ts";

interface SealingContext
  extends Pick<SlackContext<Pick<Ledger, "replaceLinks" | "list" | "get" | "commit">>, "ledger" | "queues" | "log"> {
  readonly keys: Pick<SlackContext["keys"], "decision">;
  readonly configuration: () => Pick<Config, "clusters">;
  readonly failures: FailureLog;
  readonly now: () => Date;
}

/** A process that still has the older key can seal with it meanwhile. */
const everyMs = 10 * 60_000;
/** Workers look for reviews without a seal in as many records. */
const maxRecords = 1000;

/**
 * While the environment names an older decision key, seals what it vouches for and outlives it with the newest one: links, because without
 * theirs approvers could approve for their own principal, and reviews. A stolen key must not be among them: a thief's links would stay.
 */
export function startSealingAgain(context: SealingContext): Ticking {
  const { ledger, log, failures } = context;
  const { decision } = context.keys;
  const isRotated = decision.ids.some((id) => !isOfNewestKey(`${id}.`, decision));
  return startTicking(everyMs, () =>
    failures.during("could not seal all links and reviews with the newest decision key yet", {}, async () => {
      if (!isRotated) return;
      const links = await ledger.replaceLinks((user, link) => sealedAgain(user, link, decision));
      const reviews = await sealReviews(context);
      if (links + reviews > 0) log.info({ links, reviews }, "sealed again with the newest decision key");
    }),
  );
}

async function sealReviews(context: SealingContext): Promise<number> {
  const { ledger, keys, configuration } = context;
  const clusters = [...configuration().clusters.keys()];
  const { requests } = await ledger.list({ list: "all", clusters, requester: null, match: "any" }, 0, maxRecords);
  let sealed = 0;
  for (const { id } of requests.filter((each) => reviewSealedAgain(each, keys.decision))) {
    sealed += await updateRequest<number>(context, id, (current) => {
      const review = current && reviewSealedAgain(current, keys.decision);
      if (!review || current?.state !== "approved" || !current.emergency) return { type: "stop", outcome: 0 };
      const after = withEmergency(current, { ...current.emergency, review });
      return { type: "write", after, event: null, outcome: 1 };
    });
  }
  return sealed;
}
