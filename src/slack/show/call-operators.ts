import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { isClusterFailure, isLasting, type Outage, waitsForRepair } from "../../access/request/retry.ts";
import type { OutageLedger, RequestLedger, TurnLedger } from "../../ledger/ledger.ts";
import { slackFailure } from "../app/web-client.ts";
import { announcement, type Message } from "./message.ts";
import { code, mentions, plainLine, section } from "./mrkdwn.ts";
import type { MessengerContext } from "./show-in-channel.ts";

/** Longer than most outages: each cause is posted once in it. */
const postedForMs = 30 * 24 * 3_600_000;
/** The most people to mention. A user group counts as one. */
const maxCalled = 10;
const maxPending = 1000;

/**
 * Posts what only an operator can repair, and failures of more than a minute, in the cluster's channel: each cause once, until the outage
 * is over. A cluster that the worker can't open has its own message (posters.ts).
 */
export async function callOperators(
  { ledger, config, client, log }: MessengerContext<OutageLedger & TurnLedger>,
  { id, trouble, cluster: name }: Pick<AccessRequest, "id" | "trouble" | "cluster">,
): Promise<void> {
  const cluster = config.clusters.get(name);
  if (!trouble || !cluster || !isClusterFailure(trouble.code)) return;
  const isRepair = waitsForRepair(trouble.code);
  if (!isRepair && !isLasting(trouble)) return;
  try {
    const closed = (await ledger.clusterTroubles([name])).get(name);
    // After the end of what closed the cluster, its requests still have the failures from before.
    if (closed && (closed.overAt === null || closed.overAt >= trouble.at)) return;
    const outage = await ledger.beginOutage(name, { since: trouble.at, request: id });
    if (!(await isNews(ledger, name, outage, trouble.code))) return;
    const text = [
      `:warning: *Requests for ${code(name)} wait${isRepair ? " for a repair" : ""}.* ${plainLine(trouble.message)}`,
      isRepair ? "The worker retries them within 15 minutes." : "The worker retries them each minute.",
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

/** Each cause of an outage is news once, however it shows. */
export function isNews(
  ledger: Pick<TurnLedger, "takeTurn">,
  cluster: string,
  { since }: Outage,
  cause: string,
): Promise<boolean> {
  return ledger.takeTurn(`outage-${cluster}-${since}-${cause}`, postedForMs);
}

export type EndedOutages = Pick<OutageLedger, "outages" | "endOutage"> &
  Pick<RequestLedger, "get" | "leasedOf" | "list">;

/** The message for each outage that ended since the last look, of any process. From then on the same cause is news again. */
export async function endedOutages(
  ledger: EndedOutages,
  clusters: ReadonlyMap<string, Cluster>,
): Promise<readonly { readonly cluster: Cluster; readonly message: Message }[]> {
  const ended = [];
  for (const [name, outage] of await ledger.outages()) {
    const cluster = clusters.get(name);
    if (!cluster || (await hasWaiting(ledger, name)) || !(await ledger.endOutage(name))) continue;
    ended.push({ cluster, message: outageOverMessage(name, isServed(await ledger.get(outage.request))) });
  }
  return ended;
}

/** Any cause counts: two in turn would otherwise be news each time. */
async function hasWaiting(ledger: EndedOutages, name: string): Promise<boolean> {
  const pending = { list: "pending", clusters: [name], requester: null, match: "any" } as const;
  const open = [...(await ledger.leasedOf(name)), ...(await ledger.list(pending, 0, maxPending)).requests];
  return open.some(({ trouble }) => trouble && isClusterFailure(trouble.code));
}

/** A request that expired or was cancelled meanwhile shows nothing. */
function isServed(first: AccessRequest | null): boolean {
  if (first?.state === "approved") return first.lease.state !== "failed";
  return first?.state === "pending" && first.preview !== null;
}

function outageOverMessage(name: string, works: boolean): Message {
  return announcement(
    works
      ? `:white_check_mark: *${code(name)} works again.* Its requests continue.`
      : `*No request for ${code(name)} waits any more*, so I can't tell whether it works again.`,
  );
}
