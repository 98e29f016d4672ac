import { approversIn } from "../../access/policy/may-see.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { MessageLedger } from "../../ledger/ledger.ts";
import { wakeAll } from "../../ledger/queues.ts";
import { peopleNamed } from "../blocks/people-named.ts";
import type { MessengerContext } from "../show/messenger-context.ts";

/** What App Homes show: a request, or a move of a cluster. */
type HomeRecord = Pick<AccessRequest, "id" | "cluster" | "requester">;

/** Nobody else sees anything of it in App Home. */
const mostPeople = 100;

/** Has the App Homes brought up to date that show this record, of those who have ever opened theirs. */
export async function wakeHomes(context: MessengerContext<MessageLedger>, request: HomeRecord): Promise<void> {
  const { ledger, queues, log } = context;
  try {
    const people = (await affectedBy(context, request)).slice(0, mostPeople);
    const users = [...(await ledger.homesOf(people)).keys()];
    await wakeAll(
      queues,
      users.map((user) => ({ type: "show-home", user })),
    );
  } catch (error) {
    // Opening it brings it up to date as well: it must not keep anybody from being told.
    log.warn({ request: request.id, err: error }, "could not wake the App Homes");
  }
}

async function affectedBy(
  { config, directory }: MessengerContext<MessageLedger>,
  record: HomeRecord,
): Promise<readonly string[]> {
  const cluster = config.clusters.get(record.cluster);
  const approvers = await peopleNamed(directory, cluster ? approversIn(cluster) : []);
  return [...new Set([record.requester, ...approvers])];
}
