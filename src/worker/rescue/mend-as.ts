import { grantsAnnotation } from "../../access/lease/annotation.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Proof } from "../../access/request/record.ts";
import { type KeptName, readKept } from "../../access/rescue/kept.ts";
import type { ClusterDescription } from "../../aws/eks-cluster.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { type GoodDocument, type MendResult, mendDocument } from "./mend-document.ts";
import type { RescueJournal } from "./rescue-journal.ts";
import type { RescueContext, RescueOrder } from "./rescue-session.ts";
import { leasedCandidate, type SignedInCluster, signInAsOne } from "./rescue-session.ts";

/**
 * Signs in as the first who can, tells that the access is active, and mends the document.
 *
 * @returns null where nobody could sign in
 * @throws AccessError
 */
export async function mendAs(
  context: RescueContext,
  order: RescueOrder,
  description: ClusterDescription,
  journal: RescueJournal,
): Promise<MendResult | null> {
  const { cluster, principalArn, good } = order;
  const errand = { id: journal.request().id, requester: order.by };
  const candidates = [leasedCandidate(cluster, principalArn, errand), ...context.others];
  const result = await signInAsOne(cluster, description, candidates, errand, context);
  const signedIn = result.type === "in" ? result.signedIn : null;
  await activate(journal, signedIn, context.now().toISOString());
  if (result.type === "out") {
    context.say(
      `Nobody could sign in to mend aws-auth. ${result.why.join(" ")} Sign in as ${principalArn}, and mend it by hand.`,
    );
    return null;
  }
  const { client } = result.signedIn;
  try {
    if (description.authenticationMode === "API") return nothingToMend(context, cluster);
    const { creatorArn, keys } = context;
    const beforeWrite = (how: string) => journal.note("rescue.writing", () => ({}), { how });
    const document = typeof good === "string" ? await keptDocument(context, client, cluster, good) : good;
    const mender = { client, cluster, creatorArn, keys: keys.memory, beforeWrite };
    const mended = good !== null && !document ? noKept(cluster) : await mendDocument(mender, document);
    sayMended(context.say, mended);
    if (mended.type === "mended") {
      const missing = mended.returns.filter(({ isBack }) => !isBack).map(({ arn }) => arn);
      await journal.note("rescue.mended", () => ({}), {
        how: mended.how,
        back: mended.returns.length - missing.length,
        missing,
      });
    }
    return mended;
  } finally {
    client.close();
  }
}

/** What the cluster keeps; null: nothing that eks-access has sealed. */
async function keptDocument(
  { keys, say }: RescueContext,
  client: ClusterClient,
  { name }: Cluster,
  which: KeptName,
): Promise<GoodDocument | null> {
  const kept = readKept(name, await client.readKept(), which, keys.memory);
  if (!kept) return null;
  say(`The last good document is the one that was read ${kept.at}.`);
  return { data: kept.data, annotations: kept.grants === null ? {} : { [grantsAnnotation]: kept.grants } };
}

function noKept({ name }: Cluster): MendResult {
  const message = `${name} keeps no such document that eks-access has sealed. Run it again with another --document, or without it.`;
  return { type: "ask", message };
}

/** Whether anybody can tell that those who are to be in the document are. */
export function isKnown({ good }: RescueOrder, { how }: MendResult & { type: "mended" }): boolean {
  return good !== null || how !== null;
}

function nothingToMend({ say }: RescueContext, { name }: Cluster): MendResult {
  const message = `${name} does not read aws-auth: mend its access entries while this one stands.`;
  say(message);
  return { type: "ask", message };
}

function sayMended(say: RescueContext["say"], mended: MendResult): void {
  say(mended.type === "ask" ? mended.message : (mended.how ?? "aws-auth can be read: nothing was written."));
  const returns = mended.type === "ask" ? [] : mended.returns;
  for (const { arn, isBack } of returns) say(`  ${isBack ? "✓" : "✗"} ${arn}`);
}

/** It is told as active when the entry was read back, with what was tried and what was not (law 5). */
async function activate(journal: RescueJournal, signedIn: SignedInCluster | null, at: string): Promise<void> {
  const proof: Proof = {
    at,
    mapped: { result: "yes", detail: "its access entry was read back with AmazonEKSClusterAdminPolicy" },
    authorized: {
      result: "not tested",
      detail: "a review of the API server does not see what an access policy allows",
    },
    reviewedAs: null,
    signedIn: signedIn?.isLeased
      ? { result: "yes", detail: `it signed in, ${Math.round(signedIn.afterMs / 1000)} s after its entry stood` }
      : { result: "not tested", detail: "the role can't be assumed from here" },
  };
  await journal.note(
    "grant.active",
    ({ grant }) => ({
      grant: grant && { ...grant, state: "active", activeSince: grant.activeSince ?? at, proof, warnAt: grant.endsAt },
    }),
    { mapped: proof.mapped.result, authorized: proof.authorized.result, signedIn: proof.signedIn.result },
  );
}
