import { isOfNewestKey } from "../../access/seal.ts";
import { sealedAgain } from "../../access/seals.ts";
import type { LinkLedger } from "../../ledger/links.ts";
import type { FailureLog } from "../../operations/log.ts";
import { startTicking, type Ticking } from "../../operations/stoppable.ts";
import type { SlackContext } from "../app/context.ts";

interface SealingContext extends Pick<SlackContext, "keys" | "log"> {
  readonly ledger: Pick<LinkLedger, "replaceLinks">;
  readonly failures: FailureLog;
}

/** A process that still has the older key can seal a link with it meanwhile. */
const everyMs = 10 * 60_000;

/**
 * While the environment names an older decision key, seals its links with the newest one: without their link, approvers could approve for
 * their own principal. A stolen key must not be among them: a thief's links would stay.
 */
export function startSealingAgain({ ledger, keys, log, failures }: SealingContext): Ticking {
  const { decision } = keys;
  const isRotated = decision.ids.some((id) => !isOfNewestKey(`${id}.`, decision));
  return startTicking(everyMs, () =>
    failures.during("could not seal links with the newest decision key yet", {}, async () => {
      const links = isRotated ? await ledger.replaceLinks((user, link) => sealedAgain(user, link, decision)) : 0;
      if (links > 0) log.info({ links }, "sealed links with the newest decision key");
    }),
  );
}
