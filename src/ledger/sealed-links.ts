import type { DecisionPublicKeys } from "../access/approval/seal.ts";
import { isSealedLink } from "../access/approval/seals.ts";
import type { Ledger } from "./ledger.ts";

/**
 * With which ARN each of these people is linked, where our seal says so: by Slack user id, without those who are linked with none.
 * What a person only asked with says nothing of who they are.
 */
export async function sealedLinksOf(
  ledger: Pick<Ledger, "linkOf">,
  users: Iterable<string>,
  keys: DecisionPublicKeys,
): Promise<ReadonlyMap<string, string>> {
  const links = await Promise.all([...new Set(users)].map(async (user) => [user, await ledger.linkOf(user)] as const));
  return new Map(
    links.flatMap(([user, link]) =>
      link?.seal?.by && isSealedLink(user, link, keys) ? [[user, link.arn] as const] : [],
    ),
  );
}
