import type { Cluster } from "../policy/cluster.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";

/** Who said that a Slack account uses a principal, sealed. */
export interface LinkSeal {
  /** Slack user id: of who is linked, or of the administrator who confirmed it; null: it was only asked for with it. */
  readonly by: string | null;
  readonly at: string;
  /** Over the above, the Slack user id and the ARN. */
  readonly seal: string;
}

/** What a Slack account is linked with, as it is remembered. */
export interface PrincipalLink {
  readonly arn: string;
  /** Null: not written by eks-access. */
  readonly seal: LinkSeal | null;
}

/** Seals that a person uses this principal. */
export function sealLink(user: string, arn: string, said: Omit<LinkSeal, "seal">, keys: DecisionKeys): LinkSeal {
  return { ...said, seal: keys.seal("link", { ...said, user, arn }) };
}

/** Whether one of our keys sealed that this person uses this principal. */
export function isSealedLink(user: string, { arn, seal: given }: PrincipalLink, keys: DecisionPublicKeys): boolean {
  if (!given) return false;
  const { seal: sealText, ...said } = given;
  return keys.isSealed("link", { ...said, user, arn }, sealText);
}

/** Whether a rule with `linkedOnly` accepts this link: sealed for it, and confirmed where the configuration asks for that. */
export function isBelievedLink(
  user: string,
  link: PrincipalLink,
  mustBeConfirmed: boolean,
  keys: DecisionPublicKeys,
): boolean {
  const by = link.seal?.by ?? null;
  return by !== null && (!mustBeConfirmed || by !== user) && isSealedLink(user, link, keys);
}

/** The account in an ARN; empty: it is none. */
export function accountIn(arn: string): string {
  return arn.split(":")[4] ?? "";
}

/** Only to show or offer them: nobody has checked their seals. */
export function arnsOf(links: readonly PrincipalLink[]): readonly string[] {
  return links.map(({ arn }) => arn);
}

/** The ARNs that people are linked with, one in each account, by Slack user id. */
export type LinkedArns = ReadonlyMap<string, readonly string[]>;

/** A person's link in the account of this ARN; null: they have none there. */
export function linkInAccountOf(links: readonly PrincipalLink[], arn: string): PrincipalLink | null {
  return links.find((link) => accountIn(link.arn) === accountIn(arn)) ?? null;
}

/** The same among ARNs. @param user Slack user id */
export function linkedArnInAccountOf(links: LinkedArns | undefined, user: string, arn: string): string | null {
  return links?.get(user)?.find((each) => accountIn(each) === accountIn(arn)) ?? null;
}

/**
 * The ARN that a person uses on a cluster: in its own account first, then in those that it also takes. Who has one link
 * alone means it, even where the cluster takes none from its account. Null: they have none that fits.
 */
export function linkedArnOn(
  arns: readonly string[],
  cluster: Pick<Cluster, "account" | "foreignAccounts"> | null,
): string | null {
  const accounts = cluster ? [cluster.account, ...cluster.foreignAccounts] : [];
  const fitting = accounts.map((account) => arns.find((arn) => accountIn(arn) === account));
  return fitting.find((arn) => arn !== undefined) ?? (arns.length === 1 ? (arns[0] ?? null) : null);
}
