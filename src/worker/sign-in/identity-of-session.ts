import { groupsIn } from "../../access/policy/policy-text.ts";
import type { MappedIdentity } from "../../access/request/record.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { entryArnIn, render, resolve } from "../../aws-auth/index.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { parseRemembered } from "../remembered.ts";
import type { PrincipalSession } from "./become-principal.ts";

/** Who a session of a principal is by what the cluster goes by now. */
export interface SessionIdentity {
  /** Null: nobody. */
  readonly identity: MappedIdentity | null;
  /** `aws-auth`, or `the access entries`. */
  readonly place: string;
}

/**
 * Reads the principal's entry or the document, and fills the templates in as for this very session. An entry goes before the
 * document (EKS User Guide, "Grant IAM users and roles access to Kubernetes APIs").
 * @throws AccessError
 */
export async function identityOfSession(
  { mode, entries, client }: OpenedCluster,
  principal: string,
  session: PrincipalSession,
): Promise<SessionIdentity> {
  const entry = entries && (await entryOf(entries, principal));
  if (entry || mode === "API") {
    return { identity: entry && identityByEntry(entry, session), place: "the access entries" };
  }
  const configMap = await client.readAwsAuth();
  const { accessKeyId } = session.credentials;
  return { identity: resolve(parseRemembered(configMap?.data ?? {}), session.arn, { accessKeyId }), place: "aws-auth" };
}

async function entryOf(entries: AccessEntries, principal: string): Promise<AccessEntry | null> {
  const found = entryArnIn(await entries.list(), principal);
  return found === null ? null : entries.describe(found);
}

function identityByEntry(entry: AccessEntry, { arn, credentials }: PrincipalSession): MappedIdentity | null {
  const [, , , , accountId = ""] = arn.split(":");
  const sessionName = arn.split("/").at(-1) ?? "";
  const username = render(entry.username, { accountId, sessionName, accessKeyId: credentials.accessKeyId });
  return username === null ? null : { username, groups: groupsIn(entry.groups) };
}
