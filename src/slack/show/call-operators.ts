import type { AccessRequest } from "../../access/request/record.ts";
import { isClusterFailure, isLasting, waitsForRepair } from "../../access/request/retry.ts";
import type { ClusterLedger, TurnLedger } from "../../ledger/ledger.ts";
import { slackFailure } from "../app/web-client.ts";
import { code, mentions, plainLine, section } from "./mrkdwn.ts";
import type { MessengerContext } from "./show-in-channel.ts";

/** After this time the same cause is news again. An outage can be over, and come again. */
const onceInMs = { repair: 24 * 3_600_000, outage: 3_600_000 };
/** The most people to mention. A user group counts as one. */
const maxCalled = 10;

/**
 * Posts what only an operator can repair, and outages of more than a minute, in the cluster's channel, once for each cause. A cluster that
 * the worker can't open has its own message (posters.ts).
 */
export async function callOperators(
  { ledger, config, client, log }: MessengerContext<Pick<ClusterLedger & TurnLedger, "clusterTroubles" | "takeTurn">>,
  { trouble, cluster: name }: Pick<AccessRequest, "trouble" | "cluster">,
): Promise<void> {
  const cluster = config.clusters.get(name);
  if (!trouble || !cluster || !isClusterFailure(trouble.code)) return;
  const kind = waitsForRepair(trouble.code) ? "repair" : "outage";
  if (kind === "outage" && !isLasting(trouble)) return;
  try {
    const closed = (await ledger.clusterTroubles([name])).get(name);
    if (closed && closed.overAt === null) return;
    if (!(await ledger.takeTurn(`repair-${name}-${trouble.code}`, onceInMs[kind]))) return;
    const text = [
      `:warning: *Requests for ${code(name)} wait${kind === "repair" ? " for a repair" : ""}.* ${plainLine(trouble.message)}`,
      kind === "repair" ? "The worker retries them within 15 minutes." : "The worker retries them each minute.",
      ...(cluster.onCall.length > 0 ? [`On call: ${mentions(cluster.onCall, maxCalled)}`] : []),
    ].join("\n");
    await client.chat.postMessage({ channel: cluster.channel, text, blocks: [section(text)] });
  } catch (error) {
    log.warn(
      { cluster: name, err: slackFailure(error, `the channel ${cluster.channel}`) },
      "could not call the operators",
    );
  }
}
